"""The site server of the benchmark: a private nginx, one process, without privileges."""

import os
import shutil
import socket

from support.process import Port, Process, give, tail, wait_until
from support.program import new_log

CONFIG = """\
daemon off; master_process off; pid {run}/pid; error_log {run}/error.log;
events {{ worker_connections 4096; }}
http {{
  types {{ text/html html; text/css css; image/svg+xml svg; }}
  default_type text/html; access_log off; sendfile on; keepalive_requests 1000000; gzip off;
  client_body_temp_path {run}/a; proxy_temp_path {run}/b; fastcgi_temp_path {run}/c; uwsgi_temp_path {run}/d; scgi_temp_path {run}/e;
  server {{ {listen} root {root}; index index.html; {more} }}
}}
"""

# After each paragraph's end a word that only this host has: no text is the same on two hosts.
DISTINCT = "sub_filter '</p>' ' Seen on $server_addr.</p>'; sub_filter_once off;"


class Site:
    """One folder under several host names: the addresses 127.0.0.1, 127.0.0.2, …, on one port."""

    def __init__(self, run_dir, folder, hosts, distinct=False):
        self.port = Port()
        run = run_dir.subdir("site")
        addresses = [f"127.0.0.{i + 1}" for i in range(hosts)]
        self.urls = [f"http://{address}:{self.port}/index.html" for address in addresses]
        config = os.path.join(run, "nginx.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(run=run, root=os.path.realpath(folder), more=DISTINCT if distinct else "",
                                  listen=" ".join(f"listen {address}:{self.port};" for address in addresses)))
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
