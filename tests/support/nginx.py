"""A private nginx: one process, without privileges."""

import os
import shutil
import socket

from .process import Port, Process, give, tail, wait_until
from .program import new_log

CONFIG = """\
daemon off; master_process off; pid {run}/pid; error_log {run}/error.log;
events {{ worker_connections 4096; }}
http {{
  types {{ text/html html; text/css css; image/svg+xml svg; }}
  default_type text/html; access_log off; sendfile on; keepalive_requests 1000000; gzip off;
  client_body_temp_path {run}/a; proxy_temp_path {run}/b; fastcgi_temp_path {run}/c; uwsgi_temp_path {run}/d; scgi_temp_path {run}/e;
{http}
}}
"""


class Nginx:
    """Serves from the start to close(). port: that of all its addresses."""

    def __init__(self, run, http):
        """run: an empty directory of the services' user. http: more lines for the block `http`, in which PORT is the port."""
        self.port = Port()
        config = os.path.join(run, "nginx.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(run=run, http=http.replace("PORT", str(self.port))))
        give(config)
        log = new_log(os.path.join(run, "error.log"))
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        self.process = Process("nginx", [nginx, "-e", log, "-c", config], {"PATH": "/usr/sbin:/usr/bin"}, log, cwd=run)
        wait_until(self._listens, 10, lambda: f"nginx listens\n{tail(log)}")

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", int(self.port)), timeout=2).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.end()
        self.port.release()
