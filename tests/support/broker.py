"""A private RabbitMQ: its own directory, free ports of 127.0.0.1, no privileges, its own epmd."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.parse

import pika

from .process import Failure, Port, Process, give, service_user, tail, wait_until

# Debian's wrapper in /usr/sbin changes to the user rabbitmq, who may not write here.
BIN = "/usr/lib/rabbitmq/bin"

CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = false
log.file = broker.log
{extra}
"""
MANAGEMENT = """\
management.tcp.ip = 127.0.0.1
management.tcp.port = {port}
"""


class Broker:
    """start() and ready() are apart so that other services may start in between. Data survive stop(), kill9(), restart()."""

    user = "guest"
    password = "guest"

    def __init__(self, directory, management=False, config=""):
        """directory: empty, owned by service_user(). config: more lines for rabbitmq.conf."""
        self.directory = directory
        self.port, self._dist, self._epmd_port = Port(), Port(), Port()
        self.http_port = Port() if management else None
        self.url = f"amqp://{self.user}:{self.password}@127.0.0.1:{self.port}/"
        self.http_url = f"http://{self.user}:{self.password}@127.0.0.1:{self.http_port}" if management else None
        self.log = os.path.join(directory, "log", "broker.log")
        self.boot_log = os.path.join(directory, "boot.log")
        self.process = self._epmd = None
        self._write_files(config)

    def _write_files(self, config):
        for name in ("home", "log", "data"):
            os.makedirs(self._path(name))
            give(self._path(name))
        if self.http_port:
            config += "\n" + MANAGEMENT.format(port=self.http_port)
        self._write("rabbitmq.conf", CONFIG.format(port=self.port, extra=config))
        # Plugins are enabled by this file alone; no command is needed.
        self._write("enabled_plugins", "[rabbitmq_management].\n" if self.http_port else "[].\n")
        # The cookie must be there before the node and rabbitmqctl both want to make one.
        self._write("home/.erlang.cookie", secrets.token_hex(16), 0o400)

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _write(self, name, text, mode=0o644):
        with open(self._path(name), "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(self._path(name), mode)
        give(self._path(name))

    def environment(self):
        """For the node and for rabbitmqctl."""
        return {
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "HOME": self._path("home"),
            "RABBITMQ_NODENAME": f"gistmill-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": self._path("data"),
            "RABBITMQ_LOG_BASE": self._path("log"),
            "RABBITMQ_CONFIG_FILE": self._path("rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": self._path("enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_PID_FILE": self._path("pid"),
            # Schedulers that spin while idle would take the machine from what is measured.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
            # Makes the start script exec the Erlang machine instead of waiting for it: one process, ours.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def start(self):
        """Returns at once; ready() waits."""
        if self._epmd is None or not self._epmd.alive():
            # A node that finds no epmd starts one that outlives it.
            self._epmd = Process("epmd", ["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)],
                                 self.environment(), self.boot_log, cwd=self.directory)
            wait_until(lambda: self._answers(self._epmd_port, b""), 10, "epmd listens")
        self.process = Process("rabbitmq", [f"{BIN}/rabbitmq-server"], self.environment(), self.boot_log,
                               cwd=self.directory)
        return self

    def ready(self, deadline=90.0):
        """Waits until clients are served. Its exit status tells nothing: a node that failed to boot exits with 0."""
        def serves():
            if not self.process.alive():
                raise Failure(f"RabbitMQ ended while starting\n{tail(self.boot_log)}\n{tail(self.log)}")
            return self._answers(self.port, b"AMQP\0\0\x09\x01")
        wait_until(serves, deadline, lambda: f"RabbitMQ serves\n{tail(self.boot_log)}\n{tail(self.log)}")
        if self.http_port:
            wait_until(lambda: self._answers(self.http_port, b""), deadline, "RabbitMQ's management serves")
        return self

    @staticmethod
    def _answers(port, hello):
        """Connects; with a hello, also waits a moment for the first byte of an answer."""
        try:
            with socket.create_connection(("127.0.0.1", int(port)), timeout=2) as s:
                if hello:
                    s.sendall(hello)
                    return s.recv(1) == b"\x01"  # a method frame: connection.start
                return True
        except OSError:
            return False

    def stop(self, deadline=60.0):
        """In order, data on disk."""
        self.process.terminate(deadline)

    def kill9(self, settled=True):
        """settled: first waits until RabbitMQ has written down where each queue's messages are."""
        if settled and self.process.alive():
            wait_until(self._queues_written, 10, "RabbitMQ has written down its queues")
        self.process.kill9()

    def _queues_written(self):
        """RabbitMQ 3.10 keeps the names of quorum queues' directories in a table that it writes about a second late.

        A node killed before that starts the queue anew, empty: all its confirmed messages are lost. A directory that is older
        and not in the table never will be: it is left of such a kill.
        """
        quorum = os.path.join(self._path("data"), f"gistmill-{self.port}@localhost", "quorum",
                              f"gistmill-{self.port}@localhost")
        try:
            with open(os.path.join(quorum, "names.dets"), "rb") as f:
                names = f.read()
            young = [entry.name for entry in os.scandir(quorum)
                     if entry.is_dir() and time.time() - entry.stat().st_ctime < 5]
            return all(name.encode() in names for name in young)
        except FileNotFoundError:
            return True  # no quorum queue was ever declared

    def restart(self, number=signal.SIGKILL):
        """number: SIGKILL pulls the plug, SIGTERM asks first."""
        if number == signal.SIGKILL:
            self.kill9()
        else:
            self.stop()
        self.start().ready()

    def close(self):
        """For good: node, epmd, ports. The directory stays."""
        for process in (self.process, self._epmd):
            if process is not None:
                process.kill9()
        for port in (self.port, self._dist, self._epmd_port, self.http_port):
            if port is not None:
                port.release()

    def ctl(self, *arguments, deadline=180):
        """Runs rabbitmqctl; returns what it printed. Failure if it fails."""
        user = service_user()
        ids = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        done = subprocess.run([f"{BIN}/rabbitmqctl", "-q", *arguments], env=self.environment(), cwd=self.directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline, check=False, **ids)
        if done.returncode != 0:
            raise Failure(f"rabbitmqctl {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def logs(self):
        return [("rabbitmq boot", self.boot_log), ("rabbitmq", self.log)]

    # Messages ---------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def channel(self):
        """A pika channel with confirms, closed at the end."""
        parameters = pika.URLParameters(self.url + "%2F?" + urllib.parse.urlencode({
            "heartbeat": 60, "socket_timeout": 30, "stack_timeout": 60, "blocked_connection_timeout": 90, "connection_attempts": 1}))
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel
        finally:
            if connection.is_open:
                connection.close()

    def publish(self, queue, *bodies, **properties):
        """Publishes to a queue, persistent, mandatory, confirmed. pika.exceptions.UnroutableError: no such queue."""
        properties.setdefault("delivery_mode", 2)
        with self.channel() as channel:
            for body in bodies:
                channel.basic_publish("", queue, body, pika.BasicProperties(**properties), mandatory=True)

    def depth(self, queue):
        """Ready messages, exact; None if there is no such queue."""
        return self.depths([queue])[queue]

    def depths(self, queues):
        found = {}
        with self.channel() as channel:
            for queue in queues:
                try:
                    found[queue] = channel.queue_declare(queue, passive=True).method.message_count
                except pika.exceptions.ChannelClosedByBroker:
                    found[queue] = None
                    channel = channel.connection.channel()
        return found

    def get(self, queue):
        """Takes one message off a queue for good: (properties, body), or None."""
        with self.channel() as channel:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            return None if method is None else (properties, body)

    def purge(self, queue):
        with self.channel() as channel:
            channel.queue_purge(queue)

    def delete(self, *queues):
        """Deletes queues with all they hold; those not there do not matter."""
        with self.channel() as channel:
            for queue in queues:
                channel.queue_delete(queue)

    def rss(self):
        """Resident bytes of the node itself."""
        return self.process.rss()
