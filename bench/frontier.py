"""The frontier at scale, on a private PostgreSQL with fsync and without broker; `make bench-frontier`.

The environment: ROWS=5000000, pages known at the end; HOSTS=100000; SECONDS=20, a measurement; BIG=1000000, pages of the one
host of the last part; GM_BUILD. docs/PERFORMANCE.md has the figures.

Links: offered in batches of 1,000, four of five known, with a tenth of ROWS known and with all of them. Release: 500 pages
at a time, each ended before the next release, over HOSTS hosts and from one host.

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
OFFERED_MIN, KEPT_MIN, P99_MAX_MS = 50_000, 0.6, 25


def say(text=""):
    print(text, flush=True)


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
        found = self.tool("release", seconds)
        say(f"  {title}: {found['releases']} releases of {found['pages'] / found['releases']:.0f} pages: "
            f"median {found['p50_us'] / 1000:.1f} ms, 99th percentile {found['p99_us'] / 1000:.1f}, longest {found['max_us'] / 1000:.1f}")
        return found["p99_us"] / 1000

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
                  f"releases under {P99_MAX_MS} ms at the 99th percentile": max(tails) < P99_MAX_MS}
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
