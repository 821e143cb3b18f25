"""The programs under test: where they are, how one is started, what it has logged."""

import os
import re
import select
import shutil
import time

from .process import PATIENCE, Failure, Process, give, service_user, tail

PROGRAMS = ("fetcher", "parser", "summarizer", "writer")

_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def build_dir():
    """GM_BUILD, default build, seen from the top of the tree."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.path.join(top, os.environ.get("GM_BUILD", "build"))


def install(run_dir, names=PROGRAMS + ("gateway",)):
    """Copies the programs to where the services' user may run them. Returns the directory.

    Copies also keep a build that happens meanwhile away from a test that restarts a program.
    """
    path = run_dir.subdir("bin")
    for name in names:
        source = os.path.join(build_dir(), name)
        if not os.path.exists(source):
            raise Failure(f"{source} is not there: build first (make all)")
        shutil.copy2(source, path)
    return path


def parse_line(line):
    """A line of our logs as a dict: time, level, program, event if it is one, and its key=value fields."""
    head = line.split(None, 4)
    fields = dict(zip(("time", "level", "program"), head))
    if len(head) > 3 and "=" not in head[3]:
        fields["event"] = head[3]
    for key, value in _FIELD.findall(line):
        if value[:1] == '"':
            value = re.sub(r"\\(x([0-9a-f]{2})|.)", lambda m: chr(int(m[2], 16)) if m[2] else m[1], value[1:-1])
        fields[key] = value
    return fields


class Program(Process):
    """One running program; made ready by wait_ready()."""

    def __init__(self, path, env, log, directory, enter=()):
        """path of the executable; env: all of its environment; log: appended to; directory: to run in; enter: see Process."""
        mine, theirs = os.pipe()
        self._ready_fd = mine
        self._log_start = os.path.getsize(log) if os.path.exists(log) else 0
        try:
            super().__init__(os.path.basename(path), [path, "--ready-fd", str(theirs)], env, log, cwd=directory,
                             pass_fds=(theirs,), enter=enter)
        finally:
            os.close(theirs)

    def wait_ready(self, deadline=30.0):
        """Returns when the program takes messages. Failure if it ends before, or is not ready within PATIENCE times the deadline."""
        if self._ready_fd is None:
            return self
        deadline *= PATIENCE
        end = time.monotonic() + deadline
        while True:
            readable = select.select([self._ready_fd], [], [], max(0.0, end - time.monotonic()))[0]
            if not readable:
                raise Failure(f"{self.name} not ready within {deadline:g} s\n{tail(self.log)}")
            if os.read(self._ready_fd, 1) == b"\n":
                self._close_ready()
                return self
            self._close_ready()
            raise Failure(f"{self.name} ended while starting: status {self.wait(5)}\n{tail(self.log)}")

    def _close_ready(self):
        if self._ready_fd is not None:
            os.close(self._ready_fd)
            self._ready_fd = None

    def kill9(self):
        super().kill9()
        self._close_ready()

    def log_lines(self, **wanted):
        """What this process has logged, as dicts; only lines with these fields: log_lines(level="warn")."""
        lines = [parse_line(line) for line in self.log_text().splitlines()]
        return [line for line in lines if all(line.get(key) == str(value) for key, value in wanted.items())]

    def log_text(self):
        """What this process has logged."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(self._log_start)
            return f.read()


def new_log(path):
    """Makes an empty log that the services' user may append to."""
    with open(path, "ab"):
        pass
    if service_user() is not None:
        give(path)
    return path
