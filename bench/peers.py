"""Other programs on the same work, run as they are, on the same site server, broker and machine; in turn with the line."""

import os
import re
import subprocess

from support.process import Failure, Process, tail
from support.program import new_log

PYTHON = "/usr/bin/python3"
DATABASE_PORT = 55432  # where they look for theirs
DEADLINE = 300
TRIES = 3

# Name, and the arguments after the script; {broker} goes to the environment.
PEERS = {
    "Scrapy": "scrapy_peer.py",
    "asyncio": "asyncio_peer.py",
    "Celery": "celery_peer.py",
}


class Peers:
    """The programs of a directory, each with the PostgreSQL that its pg.sh starts (fsync as by default)."""

    def __init__(self, directory, run_dir, services, site, pages):
        self.directory = os.path.realpath(directory)
        self.pages, self.url = pages, site.urls[0]
        self.broker = services.broker
        self.work = run_dir.subdir("peers")
        self.env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": self.work, "PYTHONDONTWRITEBYTECODE": "1",
                    "BROKER": services.broker.url + "/"}
        self._database("start", str(DATABASE_PORT))

    def _database(self, verb, *arguments):
        script = os.path.join(self.directory, "pg.sh")
        done = subprocess.run([script, verb, os.path.join(self.work, "postgres"), *arguments], cwd=self.work, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise Failure(f"{script} {verb}: status {done.returncode}\n{done.stderr}")

    def run(self, name):
        """One crawl of the first host. Returns pages per second, as the program itself says. A run that lost pages is repeated.

        Two of Celery's tasks that insert the same links in different order end in a deadlock in PostgreSQL; one of them fails, and
        its links are gone.
        """
        for _ in range(TRIES):
            pages, speed = self._run_once(name)
            if pages == self.pages:
                return speed
            print(f"{name}: lost {self.pages - pages} of {self.pages} pages; once more", flush=True)
        raise Failure(f"{name} did not crawl {self.pages} pages in any of {TRIES} runs")

    def _run_once(self, name):
        log = new_log(os.path.join(self.work, f"{name}.log"))
        arguments = [self.url] + ([str(self.pages)] if name == "Celery" else [])
        process = Process(name, [PYTHON, os.path.join(self.directory, PEERS[name]), *arguments], self.env, log, cwd=self.directory)
        try:
            process.wait(DEADLINE)
        finally:
            process.kill9()  # with workers that are still on their way out
        found = re.findall(r" (\d+) pages \S+s ([\d.]+)/s", tail(log))
        if not found:
            raise Failure(f"{name} did not end\n{tail(log, 30)}")
        self.broker.delete("celery")  # what it left there
        return int(found[-1][0]), float(found[-1][1])

    def close(self):
        self._database("stop")
