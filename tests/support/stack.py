"""A whole line: broker, database and any number of each program. Also the one import that tests need."""

import json
import os
import signal
import time
import uuid

from .broker import Broker
from .database import Database
from .process import (Failure, Port, Process, RunDir, cpu_seconds, descendants, give, service_user, status_bytes, tail,
                      wait_until)
from .program import PROGRAMS, Program, build_dir, install, new_log, parse_line

__all__ = ["Broker", "Database", "Failure", "Port", "Process", "Program", "PROGRAMS", "QUEUES", "RunDir", "Services",
           "Stack", "build_dir", "cpu_seconds", "descendants", "give", "install", "new_log", "parse_line",
           "service_user", "status_bytes", "tail", "wait_until"]

QUEUES = ("seed", "url", "html", "article", "summary", "report", "dead",
          "seed.express", "url.express", "html.express", "article.express")

TEMPLATE = "gistmill_template"

# What tests want to differ from the defaults.
TEST_ENV = {
    "HOST_DELAY": "0",
    "FETCH_ALLOW_NETWORKS": "127.0.0.0/8,::1/128",
    "LOG_LEVEL": "debug",
    "METRICS_ADDR": "",
}

# Passed on from our own environment: they steer the sanitizers.
KEEP_ENV = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")


class Services:
    """One broker and one database server, for as many stacks as wanted."""

    def __init__(self, run_dir, management=False, safe=False, broker_config="", database_config=""):
        """safe: the database keeps its data through a power cut (fsync), as a measured one must."""
        self.run_dir = run_dir
        self.database = None
        self.broker = Broker(run_dir.subdir("rabbitmq"), management, broker_config)
        try:
            self.broker.start()  # boots while initdb runs
            self.database = Database(run_dir.subdir("postgres"), safe, database_config)
            self.database.start().ready()
            self.broker.ready()
        except BaseException:
            self.close()
            raise

    def close(self):
        for service in (self.broker, self.database):
            if service is not None:
                service.close()

    def migrate(self, bin_dir, name=TEMPLATE):
        """Makes a database with our tables."""
        self.database.create(name)
        log = new_log(os.path.join(self.run_dir.path, "migrate.log"))
        process = Process("writer --migrate", [os.path.join(bin_dir, "writer"), "--migrate"],
                          base_env(self.run_dir.path) | {"DATABASE_URL": self.database.url(name)}, log, cwd=bin_dir)
        if process.wait(60) != 0:
            raise Failure(f"writer --migrate: status {process.status()}\n{tail(log)}")

    def logs(self):
        return self.broker.logs() + self.database.logs()


def base_env(home):
    """The least a program gets: nothing of the user's settings may change what a test sees."""
    kept = {key: os.environ[key] for key in KEEP_ENV if key in os.environ}
    return {"PATH": "/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8", **kept}


class Stack:
    """Programs around one database and one set of queues.

    stack.start("writer"); stack.start("parser", count=2, PARSER_CHILD="x"); stack.seed("http://…", depth=2)
    """

    def __init__(self, services, bin_dir, directory, name, env=None, defaults=None, prefix=None, template=TEMPLATE):
        """name: of the database. prefix: before the queues' names, by default name and a dot.

        env: for each program, on top of defaults (TEST_ENV).
        """
        self.services = services
        self.broker = services.broker
        self.database = services.database
        self.bin_dir = bin_dir
        self.directory = directory
        self.name = name
        self.prefix = name + "." if prefix is None else prefix
        self.env = base_env(directory) | (TEST_ENV if defaults is None else defaults) | {
            "AMQP_URL": self.broker.url,
            "AMQP_PREFIX": self.prefix,
            "DATABASE_URL": self.database.url(name),
        } | (env or {})
        self.programs = []
        self.enter = {}  # name of a program: where it runs, see Process
        self._logs = {}
        self.database.create(name, template)

    # Programs ---------------------------------------------------------------------------------------------------------

    def start(self, name, count=1, wait=True, **env):
        """Starts a program, `count` times. Returns it, or the list of them if count is given as more than 1."""
        started = [self._start(name, env) for _ in range(count)]
        if wait:
            for program in started:
                program.wait_ready()
        return started[0] if count == 1 else started

    def start_all(self, counts=None, wait=True, **env):
        """Starts one of each, or counts={"parser": 4, …} (0: none). Returns them by name: {"parser": [Program, …]}."""
        started = {name: [self._start(name, env) for _ in range((counts or {}).get(name, 1))] for name in PROGRAMS}
        if wait:
            for programs in started.values():
                for program in programs:
                    program.wait_ready()
        return started

    def _start(self, name, env, log=None):
        if log is None:
            number = self._logs[name] = self._logs.get(name, 0) + 1
            log = new_log(os.path.join(self.directory, f"{name}-{number}.log"))
        program = Program(os.path.join(self.bin_dir, name), self.env | env, log, self.directory, self.enter.get(name, ()))
        program.extra_env = env
        self.programs.append(program)
        return program

    def restart(self, program, wait=True):
        """Starts again what has ended or been killed, with the same environment and log. Returns the new one."""
        self.programs.remove(program)
        again = self._start(program.name, program.extra_env, program.log)
        if wait:
            again.wait_ready()
        return again

    def running(self, name):
        return [program for program in self.programs if program.name == name and program.alive()]

    def stop_all(self, deadline=30.0):
        """SIGTERM to all at once. Returns {program: exit status}."""
        for program in self.programs:
            program.send(signal.SIGTERM)
        # Signal 0 asks nothing: a second SIGTERM would end them at once.
        return {program: program.terminate(deadline, 0) for program in self.programs}

    def close(self):
        """Ends everything of this stack: programs killed, queues and database gone. The logs stay."""
        for program in self.programs:
            program.kill9()
        self.programs.clear()
        if self.broker.process.alive():
            self.broker.process.thaw()
            self.broker.ready().delete(*(self.prefix + queue for queue in QUEUES))
        if self.database.process.alive():
            self.database.process.thaw()
            self.database.ready().drop(self.name)

    def logs(self):
        """(title, path) of every log of the programs."""
        return [(name[:-4], os.path.join(self.directory, name))
                for name in sorted(os.listdir(self.directory)) if name.endswith(".log")]

    def log_lines(self, name, **wanted):
        """Lines of all logs of a program, of living and dead processes, as dicts; see Program.log_lines."""
        found = []
        for number in range(1, self._logs.get(name, 0) + 1):
            with open(os.path.join(self.directory, f"{name}-{number}.log"), encoding="utf-8", errors="replace") as f:
                found += [parse_line(line) for line in f]
        return [line for line in found if all(line.get(key) == str(value) for key, value in wanted.items())]

    # Broker -----------------------------------------------------------------------------------------------------------

    def publish(self, queue, *bodies, **properties):
        self.broker.publish(self.prefix + queue, *bodies, **properties)

    def seed(self, url, **wish):
        """Asks for a URL: seed(url, depth=2, limit=100, scope="host"), or bare for the inbox."""
        body = json.dumps({"url": url, **wish}) if wish else url
        self.publish("seed", body.encode(), message_id=str(uuid.uuid4()))

    def depths(self):
        """Ready messages of each queue; None for one that is not there."""
        found = self.broker.depths([self.prefix + queue for queue in QUEUES])
        return {queue: found[self.prefix + queue] for queue in QUEUES}

    def delete_queues(self, *queues):
        self.broker.delete(*(self.prefix + queue for queue in queues or QUEUES))

    # Database ---------------------------------------------------------------------------------------------------------

    def query(self, sql, *parameters):
        return self.database.query(self.name, sql, *parameters)

    def value(self, sql, *parameters):
        """The first column of the first row; None if there is no row."""
        rows = self.query(sql, *parameters)
        return rows[0][0] if rows else None

    def crawl(self, number=None):
        """The row of a crawl: the newest that is not the inbox, or the one of that id. None if there is none."""
        rows = self.query("select * from crawl where case when %s is null then not is_inbox else id = %s end "
                          "order by id desc limit 1", number, number)
        return rows[0] if rows else None

    def wait_completed(self, number=None, deadline=60.0):
        """Waits for the end of a crawl and returns its row."""
        def ended():
            row = self.crawl(number)
            return row if row is not None and row.state != "running" else None
        return wait_until(ended, deadline, lambda: f"crawl ended: {self.crawl(number)}\n{self.depths()}", interval=0.05)

    def wait_final(self, url, deadline=30.0):
        """Waits until a page of any crawl has a final state and returns its row."""
        def final():
            rows = self.query("select * from page where url = %s and state not in ('registered', 'scheduled') "
                              "order by id desc limit 1", url)
            return rows[0] if rows else None
        return wait_until(final, deadline, lambda: f"{url} final: {self.query('select * from page where url = %s', url)}")

    def books(self):
        """Rows of ledger_check: none, if the books are closed."""
        return self.query("select * from ledger_check")

    def pages(self, number=None):
        """What a crawl came to, in a form two crawls can be compared by: {url: (depth, state, code, hash, summary)}."""
        rows = self.query("select p.url, p.depth, p.state::text, p.code, p.content_hash::text, s.text from page p "
                          "left join summary s using (content_hash, recipe_hash) where p.crawl_id = %s",
                          number or self.crawl().id)
        return {row[0]: tuple(row[1:]) for row in rows}

    def watch(self, condition, deadline=60.0, describe="", each=None):
        """wait_until that also looks at something on every turn: each() may raise."""
        def turn():
            if each is not None:
                each()
            return condition()
        return wait_until(turn, deadline, describe)

    def elapsed(self):
        """A function that gives the seconds since this call."""
        begin = time.monotonic()
        return lambda: time.monotonic() - begin
