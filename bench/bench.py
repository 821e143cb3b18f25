"""The benchmark itself; bench/run has installed and built, and says what the environment may hold."""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.dirname(os.path.abspath(__file__))]

import machine  # noqa: E402
from peers import PEERS, Peers  # noqa: E402
from site_server import Site  # noqa: E402
from support.process import Port, end_all  # noqa: E402
from support.program import PROGRAMS  # noqa: E402
from support.stack import Failure, RunDir, Services, Stack, build_dir, status_bytes, tail, wait_until  # noqa: E402

MANUALS = ("/usr/share/doc/postgresql-doc-15/html", os.path.join(TOP, ".run/manual/usr/share/doc/postgresql-doc-15/html"))
PAGES = 1169  # of the manual, by its links from index.html
DEPTH = 2

# Settings of the user's that reach the programs, and what this measurement sets.
PASSED_ON = re.compile(r"(FETCH|PARSE|SUMMARY|CRAWL|AMQP)_[A-Z_]+$|(LOG_LEVEL|FRONTIER_WINDOW)$")
SETTINGS = {"HOST_DELAY": "0", "FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_PER_HOST": "32"}

DEADLINE = 600


def say(text=""):
    print(text, flush=True)


class Wish:
    """What the environment asks for."""

    def __init__(self, env):
        self.runs = int(env.get("RUNS") or 3)
        self.hosts = int(env.get("HOSTS") or 10)
        self.distinct = bool(env.get("DISTINCT"))
        self.perf, self.sql = bool(env.get("PERF")), bool(env.get("SQL"))
        self.peers = env.get("PEERS") or None
        self.builds = (env.get("BUILDS") or build_dir()).split()
        self.settings = SETTINGS | {key: value for key, value in env.items() if PASSED_ON.match(key)}
        found = [path for path in MANUALS if os.path.exists(os.path.join(path, "index.html"))]
        if not found:
            raise Failure("the site is missing: this system keeps no documentation; `make demo` unpacks it under .run/")
        self.folder = found[0]


# One round ------------------------------------------------------------------------------------------------------------

class Meter:
    """CPU seconds and messages by name between two moments, and peak memory at the second."""

    def __init__(self, stack, site):
        self.processes = {program.name: program for program in stack.programs}
        self.processes |= {"RabbitMQ": stack.broker.process, "PostgreSQL": stack.database.process, "site server": site.process}
        self.cpu, self.messages, self.memory = self._cpu(), self._messages(), {}

    def stop(self):
        """From now on cpu, messages and memory are what the time since the start came to."""
        before, self.cpu = self.cpu, self._cpu()
        self.cpu = {name: self.cpu[name] - before[name] for name in self.cpu}
        everything = self.cpu.pop("everything")
        self.cpu["everything else"] = everything - sum(self.cpu.values())
        before, self.messages = self.messages, self._messages()
        self.messages = {name: self.messages[name] - before[name] for name in before}
        self.memory = {name: self._peak(name, process) for name, process in self.processes.items()}

    def _cpu(self):
        return {name: process.cpu() for name, process in self.processes.items()} | {"everything": machine.busy_seconds()}

    def _messages(self):
        """Published so far, by program."""
        found = {}
        for name in PROGRAMS:
            with urllib.request.urlopen(f"http://{self.processes[name].extra_env['METRICS_ADDR']}/metrics", timeout=10) as answer:
                found[name] = int(re.search(rb"^gistmill_published_total (\d+)", answer.read(), re.M)[1])
        return found

    @staticmethod
    def _peak(name, process):
        """Resident MiB; PostgreSQL's is that of its largest process."""
        peaks = [status_bytes(pid, "VmHWM") / 2**20 for pid in process.family()]
        if name == "PostgreSQL":
            return f"{max(peaks):.0f} the largest process, with what all share"
        if name == "parser":
            return f"{peaks[0]:.0f}, its child {max(peaks[1:]):.0f}"
        return f"{sum(peaks):.0f}"


class Round:
    """What one round came to."""

    def __init__(self, pages, seconds, meter):
        self.pages, self.seconds, self.speed = pages, seconds, pages / seconds
        self.cpu, self.messages, self.memory = meter.cpu, meter.messages, meter.memory

    def cpu_ms(self):
        """Of ours, for one page."""
        return 1000 * sum(used for name, used in self.cpu.items() if name != "everything else") / self.pages


def crawl(stack, site, number):
    """Crawls each host once, as new crawls. Time: from before the seeds are published to the last crawl's end, both by the database's clock."""
    last = stack.value("select coalesce(max(id), 0) from crawl")
    meter = Meter(stack, site)
    begin = stack.value("select clock_timestamp()")
    # Another limit makes another request, and so new crawls.
    stack.publish("seed", *(json.dumps({"url": url, "depth": DEPTH, "limit": 2000 + number}).encode() for url in site.urls))
    with stack.database.connect(stack.name) as connection, connection.cursor() as cursor:
        def ended():
            for process in meter.processes.values():
                if not process.alive():
                    raise Failure(f"{process.name} has ended\n{tail(process.log, 30)}")
            cursor.execute("select count(*) from crawl where id > %s and state <> 'running'", (last,))
            return cursor.fetchone()[0] == len(site.urls)
        wait_until(ended, DEADLINE, lambda: f"crawls ended: {stack.query('select * from crawl')} {stack.depths()}", interval=0.1)
    meter.stop()
    rows = stack.query("select * from crawl where id > %s", last)
    for row in rows:
        if row.admitted != PAGES or row.stored + row.skipped + row.errors != PAGES or row.errors:
            raise Failure(f"not {PAGES} pages: {row}")
    return Round(sum(row.admitted for row in rows), (max(row.finished_at for row in rows) - begin).total_seconds(), meter)


# Reporting ------------------------------------------------------------------------------------------------------------

def table(title, rounds):
    last = rounds[-1]
    say(f"\n{title}: {last.pages} pages in {last.seconds:.2f} s, {last.speed:.0f} pages/s, {last.cpu_ms():.2f} ms of CPU a page"
        f"   (rounds: {', '.join(f'{r.speed:.0f}' for r in rounds)} pages/s; {', '.join(f'{r.cpu_ms():.2f}' for r in rounds)} ms)")
    say(f"  {'':<16}{'CPU s':>8}{'ms/page':>9}{'cores':>7}{'messages/page':>15}   peak MiB")
    for name, used in last.cpu.items():
        messages = f"{last.messages[name] / last.pages:.3f}" if name in last.messages else ""
        say(f"  {name:<16}{used:>8.2f}{1000 * used / last.pages:>9.3f}{used / last.seconds:>7.2f}{messages:>15}   {last.memory.get(name, '')}".rstrip())


def compare(results):
    """Two builds in turn: medians, so that one bad round does not count."""
    names = list(results)
    if len(names) != 2:
        return
    first, second = ([r for r in results[name][1:] or results[name]] for name in names)
    say(f"\n{names[1]} against {names[0]}, medians of all but the first round:")
    say(f"  pages/s  {statistics.median(r.speed for r in second) / statistics.median(r.speed for r in first):.3f}")
    for name in first[0].cpu:
        if name != "everything else":
            a, b = statistics.median(r.cpu[name] for r in first), statistics.median(r.cpu[name] for r in second)
            say(f"  CPU {name:<14}{b / a if a else 0:.3f}   {1000 * a / first[0].pages:.3f} → {1000 * b / second[0].pages:.3f} ms/page")
    say(f"  CPU {'all':<14}{statistics.median(r.cpu_ms() for r in second) / statistics.median(r.cpu_ms() for r in first):.3f}")


def ratios(speed, peers):
    for name, speeds in peers.items():
        say(f"  {name:<16}{speeds[-1]:>8.1f} pages/s, Gistmill {speed / speeds[-1]:>5.1f} ×   (rounds: {', '.join(f'{s:.1f}' for s in speeds)})")


# All of it ------------------------------------------------------------------------------------------------------------

def install_build(run_dir, build):
    path = run_dir.subdir("bin-" + re.sub(r"\W", "_", os.path.basename(build)))
    for name in PROGRAMS:
        shutil.copy2(os.path.join(TOP, build, name), path)
    return path


def profile(directory):
    """Starts a profile of the whole machine; the function it returns ends it and writes a table."""
    data = os.path.join(directory, "perf.data")
    perf = subprocess.Popen(["perf", "record", "-q", "-a", "-F", "999", "-g", "-o", data], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end():
        perf.send_signal(signal.SIGINT)
        perf.wait()
        path = os.path.join(TOP, ".run", "profile.txt")
        with open(path, "w", encoding="utf-8") as out:
            for fields in ("comm", "comm,dso", "comm,dso,sym"):
                subprocess.run(["perf", "report", "-i", data, "--no-children", "-g", "none", "--percent-limit", "0.1", "--sort", fields, "--stdio"],
                               stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, check=False)
        say(f"profile: {os.path.relpath(path)}")
    return end


SQL_CONFIG = "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track_planning = on"


def statements(database, pages):
    """The SQL statements of the last round by their time."""
    say("\n  calls  rows/call  ms/call  plan ms  µs/page   statement")
    for row in database.query("postgres", "select calls, rows, total_exec_time t, total_plan_time p, query from pg_stat_statements "
                              "order by total_exec_time + total_plan_time desc limit 25"):
        say(f"{row.calls:>7}{row.rows / row.calls:>11.1f}{row.t / row.calls:>9.2f}{row.p:>9.0f}{1000 * (row.t + row.p) / pages:>9.1f}   "
            f"{' '.join(row.query.split())[:150]}")


def measure(wish, run_dir):
    services = Services(run_dir, safe=True, database_config=SQL_CONFIG if wish.sql else "")
    site, peers, stacks = None, None, {}
    try:
        site = Site(run_dir, wish.folder, wish.hosts, wish.distinct)
        if wish.sql:
            services.database.query("postgres", "create extension pg_stat_statements")
        peers = Peers(wish.peers, run_dir, services, site, PAGES) if wish.peers else None
        for build in wish.builds:
            name = os.path.basename(build)
            bin_dir = install_build(run_dir, build)
            services.migrate(bin_dir, f"template_{len(stacks)}")
            stacks[name] = Stack(services, bin_dir, run_dir.subdir(f"stack-{len(stacks)}"), f"bench_{len(stacks)}", wish.settings, defaults={},
                                 template=f"template_{len(stacks)}")
            for program in PROGRAMS:
                own = {"PREFETCH": os.environ[f"{program.upper()}_PREFETCH"]} if os.environ.get(f"{program.upper()}_PREFETCH") else {}
                stacks[name].start(program, METRICS_ADDR=f"127.0.0.1:{Port()}", **own)
        rounds, others = {name: [] for name in stacks}, {name: [] for name in PEERS} if peers else {}
        for number in range(wish.runs):
            for name, stack in stacks.items():
                if wish.sql:
                    services.database.query("postgres", "select pg_stat_statements_reset()")
                end_profile = profile(run_dir.path) if wish.perf and number == wish.runs - 1 else None
                rounds[name].append(crawl(stack, site, number))
                if end_profile:
                    end_profile()
            for name in others:
                others[name].append(peers.run(name))
        for name, stack in stacks.items():
            if stack.books():
                raise Failure(f"the books of {name} are not closed: {stack.books()[:5]}")
            table(name if len(stacks) > 1 else "Gistmill", rounds[name])
        compare(rounds)
        if wish.sql:
            statements(services.database, rounds[list(stacks)[-1]][-1].pages)
        ratios(rounds[list(stacks)[0]][-1].speed, others)
    finally:
        for one in (peers, site, services):
            if one is not None:
                one.close()


def main():
    def ended(number, _frame):
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number_, ended)
    run_dir, status = None, 1
    try:
        wish = Wish(os.environ)
        run_dir = RunDir(os.path.join(TOP, ".run"), "bench-")
        say(machine.describe(run_dir.path))
        say(f"site: {wish.folder}, {PAGES} pages under {wish.hosts} host names{', texts differ' if wish.distinct else ''}; "
            f"settings: {' '.join(f'{key}={value}' for key, value in wish.settings.items())}; PostgreSQL with fsync; one process of each program")
        measure(wish, run_dir)
        status = 0
    except Failure as why:
        say(f"bench: {why}")
    finally:
        end_all()
        if run_dir is not None and (status == 0 or not os.environ.get("KEEP_LOGS")):
            run_dir.remove()
    return status


if __name__ == "__main__":
    sys.exit(main())
