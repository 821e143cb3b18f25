"""Processes that die with us, ports nobody else takes, directories that do not pile up, waits with deadlines."""

import atexit
import contextlib
import fcntl
import os
import pwd
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time


# Deadlines are meant for a machine that does nothing else. Others get so many times as long: who is done sooner does not wait.
PATIENCE = 3


class Failure(Exception):
    """Something outside did not do what it must; the text is for people."""


@contextlib.contextmanager
def frozen(*processes):
    """They do nothing meanwhile."""
    for process in processes:
        process.freeze()
    try:
        yield
    finally:
        for process in processes:
            process.thaw()


def wait_until(condition, deadline=30.0, describe="", interval=0.02):
    """Calls condition until it gives something true, and returns that. After PATIENCE times `deadline` seconds: Failure.

    describe: words, or a function making them when the time is up.
    """
    deadline *= PATIENCE
    end = time.monotonic() + deadline
    pause = interval / 4
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            words = describe() if callable(describe) else describe
            raise Failure(f"not within {deadline:g} s: {words or condition}")
        select.select([], [], [], min(pause, max(0.0, end - time.monotonic())))
        pause = min(pause * 1.5, interval * 5)


# Ports ----------------------------------------------------------------------------------------------------------------

class Port:
    """A free port of 127.0.0.1, ours until release() or our death.

    The lock is an abstract unix socket of that name: it belongs to the same network namespace as the port, needs no
    file, is the same for every user and goes away with us. Ports come from below the range of outgoing connections.
    """

    def __init__(self, wanted=None):
        """wanted: this one, if it is free."""
        for attempt in range(2000):
            self.number = random.randrange(12000, 32000) if attempt or wanted is None else wanted
            self._lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._lock.bind(f"\0gistmill-port-{self.number}")
                if _nobody_listens(self.number):
                    return
            except OSError:
                pass
            self._lock.close()
        raise Failure("no free port found")

    def __int__(self):
        return self.number

    def __str__(self):
        return str(self.number)

    def release(self):
        self._lock.close()


def _nobody_listens(port):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((address, port))
        except OSError:
            if family == socket.AF_INET:
                return False
            if os.path.exists("/proc/net/if_inet6") and _connects(family, address, port):
                return False
    return True


def _connects(family, address, port):
    try:
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.settimeout(1)
            s.connect((address, port))
            return True
    except OSError:
        return False


# Users and directories --------------------------------------------------------------------------------------------------

def service_user():
    """Who runs the services: None for ourselves, or a passwd entry without privileges if we are root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _others_may_pass(path):
    while True:
        if not os.stat(path).st_mode & 0o001:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


class RunDir:
    """A scratch directory of one run, locked while we live. Those of dead runs beside it are swept away first."""

    def __init__(self, parent, prefix):
        """As root, services run as nobody: a parent that nobody may not enter (/root) is replaced by /var/tmp."""
        self.prefix = prefix
        if os.path.isdir(parent) or service_user() is None:
            os.makedirs(parent, exist_ok=True)
        else:
            os.makedirs(parent, mode=0o755)
        parent = os.path.realpath(parent)
        if service_user() is not None and not _others_may_pass(parent):
            parent = "/var/tmp"
        making = os.open(parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(making, fcntl.LOCK_EX)  # nobody sweeps a directory that has no lock yet
            self._sweep(parent)
            self.path = tempfile.mkdtemp(prefix=prefix, dir=parent)
            self._lock = open(os.path.join(self.path, "lock"), "w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(making)
        os.chmod(self.path, 0o755)

    def _sweep(self, parent):
        for name in os.listdir(parent):
            if not name.startswith(self.prefix):
                continue
            path = os.path.join(parent, name)
            try:
                if os.lstat(path).st_uid != os.geteuid():
                    continue
                with open(os.path.join(path, "lock")) as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            except OSError:
                pass  # its owner lives

    def subdir(self, name):
        """A directory below, owned by who runs the services."""
        path = os.path.join(self.path, name)
        os.makedirs(path, exist_ok=True)
        give(path)
        return path

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def give(path):
    """Hands a file or directory to the user who runs the services."""
    user = service_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


# Processes --------------------------------------------------------------------------------------------------------------

_living = set()


def end_all():
    """Ends every child that still lives."""
    for process in list(_living):
        process.end()


atexit.register(end_all)

# After setpriv has asked for our death to be heard of: were we dead already?
_GUARD = 'test "$PPID" = "$0" || exit 1; exec "$@"'


class Process:
    """A child in its own session, that dies when we do, however we die.

    The kernel sends death_signal when the thread that started the child ends; so only the main thread may start one.
    """

    def __init__(self, name, argv, env, log, cwd="/", death_signal="KILL", pass_fds=(), enter=()):
        """enter: the beginning of a command that runs the rest as itself, elsewhere: Island.enter()."""
        assert threading.current_thread() is threading.main_thread(), "a child would die with this thread"
        self.name = name
        self.log = log
        self._orphans = []
        self._death_signal = getattr(signal, "SIG" + death_signal)
        drop = []
        user = service_user()
        if user is not None:
            drop = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        command = [*enter, "setpriv", *drop, "--pdeathsig", death_signal, "--", "sh", "-c", _GUARD, str(os.getpid()), *argv]
        with open(log, "ab") as out:
            self._child = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                           start_new_session=True, pass_fds=pass_fds)
        self.pid = self._child.pid
        _living.add(self)

    def alive(self):
        return self.status() is None

    def status(self):
        """None while running, else the exit status (negative: the signal)."""
        status = self._child.poll()
        if status is not None and self in _living:
            _living.discard(self)
            self._orphans = descendants(self.pid)
        return status

    def send(self, number):
        """To the process alone. Nothing happens if it has ended."""
        if self.alive():
            os.kill(self.pid, number)

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.send(signal.SIGCONT)

    def wait(self, deadline=30.0):
        """The exit status; Failure if it still runs after PATIENCE times the deadline."""
        deadline *= PATIENCE
        try:
            self._child.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} (pid {self.pid}) still runs after {deadline:g} s") from None
        return self.status()

    def terminate(self, deadline=30.0, number=signal.SIGTERM):
        """Asks it to end and waits. Returns the exit status. Past the deadline it is killed: Failure."""
        self.send(number)
        try:
            return self.wait(deadline)
        except Failure:
            self.kill9()
            raise

    def kill9(self):
        """kill -9; returns when it is gone. Children of its own that outlive it are its business, for some seconds."""
        family = descendants(self.pid) if self.alive() else self._orphans
        self.send(signal.SIGKILL)
        self._child.wait()
        self.status()
        if not _gone(family, 2):
            for child in family:
                child.kill()
            if not _gone(family, 10):
                raise Failure(f"children of {self.name} (pid {self.pid}) survive kill -9")

    def end(self):
        """The way it goes when we die: its death signal, and kill -9 if that is not heard."""
        self.thaw()
        self.send(self._death_signal)
        try:
            self.wait(5)
        except Failure:
            pass
        self.kill9()

    def rss(self):
        """Resident bytes, now, of the process and its children."""
        return sum(status_bytes(pid, "VmRSS") for pid in self.family())

    def peak_rss(self):
        """The largest resident size so far: of the process, plus that of its living children."""
        return sum(status_bytes(pid, "VmHWM") for pid in self.family())

    def cpu(self):
        """CPU seconds used so far, children included."""
        return sum(cpu_seconds(pid) for pid in self.family())

    def family(self):
        return [self.pid] + [child.pid for child in descendants(self.pid)] if self.alive() else []


class Descendant:
    """A process below one of ours, told apart from a later one of the same pid by its start time."""

    def __init__(self, pid, started):
        self.pid = pid
        self.started = started

    def alive(self):
        fields = _stat(self.pid)
        return fields is not None and fields[19] == self.started and fields[0] != "Z"

    def kill(self):
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)


def _gone(family, seconds):
    """Waits for the end of all, so many seconds and PATIENCE; True if they are gone."""
    try:
        wait_until(lambda: not any(child.alive() for child in family), seconds, interval=0.01)
    except Failure:
        return False
    return True


def _stat(pid):
    """The fields of /proc/PID/stat from the state on, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return None


def descendants(pid):
    """All processes below pid, and those of its session whose parents have died."""
    children, found = {}, {}
    for name in os.listdir("/proc"):
        fields = _stat(int(name)) if name.isdigit() else None
        if fields is None or int(name) == pid:
            continue
        child = Descendant(int(name), fields[19])
        if fields[3] == str(pid):
            found[child.pid] = child
        children.setdefault(int(fields[1]), []).append(child)
    todo = [pid, *found]
    while todo:
        for child in children.get(todo.pop(), []):
            if child.pid not in found:
                found[child.pid] = child
                todo.append(child.pid)
    return list(found.values())


def status_bytes(pid, key):
    """A size of /proc/PID/status in bytes; 0 if the process is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def cpu_seconds(pid):
    """User and system time of a process and of the children it has waited for; 0 if it is gone."""
    fields = _stat(pid)
    return sum(int(n) for n in fields[11:15]) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def tail(path, lines=200):
    """The last lines of a log, for a failure report."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            content = f.readlines()
    except OSError as error:
        return f"({error})"
    cut = f"({len(content) - lines} lines before)\n" if len(content) > lines else ""
    return cut + "".join(content[-lines:])
