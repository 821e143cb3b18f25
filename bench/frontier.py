"""The frontier at scale, on a private PostgreSQL with fsync and without broker; `make bench-frontier`.

The environment: ROWS=5000000, pages known at the end; HOSTS=100000; SECONDS=20, a measurement; BIG=1000000, pages of the one
host of the last part; GM_BUILD. docs/PERFORMANCE.md has the figures.

Links: offered in batches of 1,000, four of five known, with a tenth of ROWS known and with all of them. Release: 500 pages
at a time, each ended before the next release, over HOSTS hosts and from one host: the whole as the writer sees it, and its SQL, all
statements from the first look to the commit and the look for the next time, as the server logs them.

exit status: 0 measured and as demanded, 1 not, 100 misuse
"""

import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.dirname(os.path.abspath(__file__))]

import machine  # noqa: E402
from support.database import Database  # noqa: E402
from support.process import end_all  # noqa: E402
from support.stack import Failure, RunDir, build_dir  # noqa: E402

# A quarter of the memory for its buffers, as PostgreSQL's manual advises; the compression that docker-compose.yml sets.
BUFFERS_MB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 22
CONFIG = f"shared_buffers = {BUFFERS_MB}MB\nmax_wal_size = 8GB\nmin_wal_size = 4GB\nwal_compression = lz4\n"
FIRST, LAST = "find_express", "release_next"  # names of statements in writer/release.c
OFFERED_MIN, KEPT_MIN, P99_MAX_MS = 50_000, 0.6, 25


def say(text=""):
    print(text, flush=True)


def sql_times(log, begin):
    """Milliseconds of the statements of each release in a server's log: those from FIRST to LAST."""
    times, now = [], None
    with open(log, encoding="utf-8", errors="replace") as f:
        f.seek(begin)
        for line in f:
            found = re.search(r" duration: ([\d.]+) ms  (?:parse|bind|execute|statement):? ?(\w*)", line)
            if not found:
                continue
            if found[2] == FIRST and now is None:
                now = 0.0
            if now is not None:
                now += float(found[1])
            if found[2] == LAST and "  execute " in line:
                times.append(now)
                now = None
    return times


class Frontier:
    """One database with one crawl, and the tool that works on it."""

    def __init__(self, database, name, hosts, **env):
        self.database, self.name, self.hosts = database, name, hosts
        database.create(name)
        self.env = {"PATH": "/usr/bin:/bin", "DATABASE_URL": database.url(name), "FRONTIER_WINDOW": "500", **env}
        self._run(os.path.join(build_dir(), "writer"), "--migrate")
        self.query("insert into crawl (request, seed, scope, max_depth) values (gen_random_uuid(), 'bench', 'any', 9)")

    def _run(self, *command):
        done = subprocess.run([str(part) for part in command], env=self.env, cwd=TOP, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{command}: status {done.returncode}\n{done.stderr}")
        return done.stdout

    def tool(self, *arguments):
        answer = self._run(os.path.join(build_dir(), "tools/frontier"), *arguments)
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", answer)}

    def query(self, sql):
        return self.database.query(self.name, sql)

    def fill(self, begin, end):
        """Admits pages; rules for all hosts are known. Then what autovacuum and the checkpointer would do in their time, so that
        they do not disturb: after it, files of the write-ahead log are used again, as in a server that has run for a while, and
        not made of 16 MiB of zeros while a commit waits."""
        found = self.tool("fill", begin, end, self.hosts)
        say(f"  {begin:,} to {end:,} pages: {1000 * found['pages'] / max(found['ms'], 1):,.0f} new pages a second")
        self.query("update host set robots_state = 1, robots = '', robots_until = 'infinity' where robots_state = 0")
        self.query("vacuum analyze")
        self.query("checkpoint")

    def offer(self, known, seconds):
        found = self.tool("offer", known, self.hosts, seconds)
        rate = 1000 * found["offered"] / found["ms"]
        say(f"  {known:,} pages known: {rate:,.0f} links offered a second, {1000 * found['new'] / found['ms']:,.0f} of them new")
        return rate, known + found["new"]

    def release(self, title, seconds):
        """The 99th percentile of the SQL of a release, in ms. The server's log is read while it is written for that alone."""
        found = self.tool("release", seconds)
        say(f"  {title}: {found['releases']} releases of {found['pages'] / found['releases']:.0f} pages: "
            f"median {found['p50_us'] / 1000:.1f} ms, 99th percentile {found['p99_us'] / 1000:.1f}, longest {found['max_us'] / 1000:.1f}")
        begin = os.path.getsize(self.database.log)
        for setting in ("log_min_duration_statement = 0", "log_parameter_max_length = 0"):
            self.query(f'alter database "{self.name}" set {setting}')
        self.tool("release", seconds)
        self.query(f'alter database "{self.name}" reset all')
        times = sorted(sql_times(self.database.log, begin))
        tail = times[len(times) * 99 // 100]
        say(f"    its SQL, {len(times)} releases: median {times[len(times) // 2]:.1f} ms, 99th percentile {tail:.1f}, longest {times[-1]:.1f}")
        return tail

    def books(self):
        return self.query("select * from ledger_check limit 3")


def measure(run_dir, rows, hosts, seconds, big):
    database = Database(run_dir.subdir("postgres"), safe=True, config=CONFIG)
    try:
        database.start().ready()
        say("links:")
        many = Frontier(database, "many", hosts, HOST_DELAY="1s")
        many.fill(0, rows // 10)
        early, known = many.offer(rows // 10, seconds)
        many.fill(known, rows)
        late, _ = many.offer(rows, seconds)
        say(f"  the second rate is {late / early:.2f} of the first\n")
        say("release:")
        tails = [many.release(f"{hosts:,} hosts, {rows:,} pages", seconds)]
        if many.books():
            raise Failure(f"the books are not closed: {many.books()}")
        one = Frontier(database, "one", 1, HOST_DELAY="0", FETCH_PER_HOST="500")
        one.fill(0, big)
        tails.append(one.release(f"one host, {big:,} pages", seconds))
        if one.books():
            raise Failure(f"the books are not closed: {one.books()}")
        wanted = {f"{OFFERED_MIN:,} links offered a second": early >= OFFERED_MIN and late >= OFFERED_MIN * KEPT_MIN,
                  f"at least {KEPT_MIN} of it at the end": late >= KEPT_MIN * early,
                  f"the SQL of releases under {P99_MAX_MS} ms at the 99th percentile": max(tails) < P99_MAX_MS}
        say()
        for what, reached in wanted.items():
            say(f"  {'reached' if reached else 'MISSED'}: {what}")
        return all(wanted.values())
    finally:
        database.close()


def main():
    values = {name: os.environ.get(name) or default for name, default in
              {"ROWS": "5000000", "HOSTS": "100000", "SECONDS": "20", "BIG": "1000000"}.items()}
    if not all(value.isdigit() and int(value) > 0 for value in values.values()):
        say(f"not a number: {values}")
        return 100
    run_dir = RunDir(os.path.join(TOP, ".run"), "bench-")
    try:
        say(machine.describe(run_dir.path))
        say(f"PostgreSQL with fsync, {', '.join(CONFIG.strip().splitlines())}\n")
        return 0 if measure(run_dir, *(int(values[name]) for name in ("ROWS", "HOSTS", "SECONDS", "BIG"))) else 1
    except Failure as why:
        say(f"bench: {why}")
        return 1
    finally:
        end_all()
        run_dir.remove()


if __name__ == "__main__":
    sys.exit(main())
