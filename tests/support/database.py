"""A private PostgreSQL: its own directory, a unix socket and a port of 127.0.0.1, no privileges."""

import contextlib
import glob
import os
import re
import secrets
import shutil
import signal
import tempfile
import urllib.parse

import psycopg2
import psycopg2.extras

from .process import Failure, Port, Process, give, tail, wait_until

SUPERUSER = "gistmill"

CONFIG = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
dynamic_shared_memory_type = mmap
max_connections = 200
shared_buffers = 128MB
max_wal_size = 2GB
jit = off
log_min_messages = warning
log_line_prefix = '%m [%p] %d %a '
log_checkpoints = off
"""
ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

# Throw-away data: survives the death of any process, not that of the machine.
UNSAFE = "fsync = off\nfull_page_writes = off\n"


def _bin():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda p: int(re.search(r"/(\d+)/", p)[1]))
    if not found:
        raise Failure("PostgreSQL is not installed (deploy/install-deps run)")
    return os.path.dirname(found[-1])


class Database:
    """A server with any number of databases. Data survive stop(), kill9(), restart()."""

    def __init__(self, directory, safe=False, config=""):
        """directory: empty, owned by service_user(). safe: as on a real server, with fsync. config: more lines."""
        self.directory = directory
        self.port = Port()
        self.password = secrets.token_hex(12)
        self.log = os.path.join(directory, "postgres.log")
        self._data = os.path.join(directory, "data")
        self._made_sockets = None
        self.sockets = self._socket_dir()
        self.process = None
        self._initdb(safe)
        with open(os.path.join(self._data, "postgresql.conf"), "a", encoding="utf-8") as f:
            f.write(CONFIG.format(port=self.port, sockets=self.sockets) + ("" if safe else UNSAFE) + config + "\n")

    def _socket_dir(self):
        """A socket's path may have 107 bytes."""
        if len(self.directory) + len("/.s.PGSQL.65535.lock") < 100:
            return self.directory
        self._made_sockets = tempfile.mkdtemp(prefix="gm", dir="/tmp")
        give(self._made_sockets)
        return self._made_sockets

    def _initdb(self, safe):
        secret = os.path.join(self.directory, "password")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(self.password)
        give(secret)
        # Whoever may enter the socket's directory is the superuser; over TCP it takes the password.
        command = [f"{_bin()}/initdb", "-D", self._data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8",
                   "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile", secret, "--no-instructions"]
        initdb = Process("initdb", command + ([] if safe else ["--no-sync"]), ENV, self.log, cwd=self.directory)
        if initdb.wait(120) != 0:
            raise Failure(f"initdb: status {initdb.status()}\n{tail(self.log)}")

    def start(self):
        """Returns at once; ready() waits."""
        self.process = Process("postgres", [f"{_bin()}/postgres", "-D", self._data],
                               ENV, self.log, cwd=self.directory,
                               death_signal="QUIT")  # its own quick way down leaves no shared memory
        return self

    def ready(self, deadline=60.0):
        """Waits until queries are answered."""
        def serves():
            # After a kill -9 the dead server's shared memory may be in use for a moment: it then refuses to start.
            if not self.process.alive():
                if "pre-existing shared memory block" not in tail(self.log, 5):
                    raise Failure(f"PostgreSQL ended while starting\n{tail(self.log)}")
                self.start()
            with contextlib.suppress(psycopg2.OperationalError):
                with self.connect("postgres"):
                    return True
        wait_until(serves, deadline, lambda: f"PostgreSQL serves\n{tail(self.log)}")
        return self

    def stop(self, deadline=60.0):
        """Connections are cut, data are flushed."""
        self.process.terminate(deadline, signal.SIGINT)

    def kill9(self):
        self.process.kill9()

    def restart(self, number=signal.SIGKILL):
        """number: SIGKILL pulls the plug, SIGTERM asks first."""
        if number == signal.SIGKILL:
            self.kill9()
        else:
            self.stop()
        self.start().ready()

    def close(self):
        """For good. The directory stays."""
        if self.process is not None:
            self.process.end()
        self.port.release()
        if self._made_sockets:
            shutil.rmtree(self._made_sockets, ignore_errors=True)

    def logs(self):
        return [("postgres", self.log)]

    # Databases --------------------------------------------------------------------------------------------------------

    def url(self, name, tcp=False):
        """DATABASE_URL. By unix socket, for those who may enter its directory, or by TCP with the password."""
        if tcp:
            return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{name}"
        return f"postgresql:///{name}?" + urllib.parse.urlencode({"host": self.sockets, "port": int(self.port),
                                                                  "user": SUPERUSER})

    @contextlib.contextmanager
    def connect(self, name):
        """A connection in autocommit mode; rows have names; no statement takes longer than 90 s."""
        connection = psycopg2.connect(self.url(name), connect_timeout=30, application_name="harness",
                                      options="-c statement_timeout=90s",
                                      cursor_factory=psycopg2.extras.NamedTupleCursor)
        try:
            connection.autocommit = True
            yield connection
        finally:
            connection.close()

    def query(self, name, sql, *parameters):
        """All rows of one statement, as named tuples; [] if it returns none."""
        with self.connect(name) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def create(self, name, template="template0"):
        """A copy of a database nobody is connected to."""
        self.query("postgres", f'create database "{name}" template "{template}"')

    def drop(self, name):
        self.query("postgres", f'drop database if exists "{name}" with (force)')
