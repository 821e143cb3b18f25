"""The gateway beside PostgreSQL on one machine, with wrk on the same cores; `make bench-gateway`.

The environment: PAGES=100000, pages known; SECONDS=20, a measurement; CLIENTS=1000, event streams; STORM=30, seconds of connecting anew;
GM_BUILD. docs/PERFORMANCE.md has the figures.

1. wrk with 64 connections: GET /v1/summary?url= of random pages, GET /v1/crawl/{id} of a running crawl and of one that has ended.
2. CLIENTS event streams of one crawl, in which pages end meanwhile.
3. A connection for each request, as fast as wrk can, twice; after each /healthz, descriptors, what is allocated (live) and resident memory
   are looked at: what grows with connections would grow again.

A build with AddressSanitizer (GM_BUILD) is given as little quarantine for freed memory as can be, or resident memory would say nothing.

exit status: 0 measured and as demanded, 1 not, 100 misuse
"""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.dirname(os.path.abspath(__file__))]

import machine  # noqa: E402
from support.database import Database  # noqa: E402
from support.process import Port, end_all, wait_until  # noqa: E402
from support.program import Program, install  # noqa: E402
from support.stack import Failure, RunDir, base_env  # noqa: E402

RATE_MIN, P99_MAX_MS, STREAMS_MAX_MIB, HEALTH_MAX_S = 5_000, 50, 100, 1.0
STORMS, CONNECTS_MIN, LIVE_MAX_KIB, RSS_MAX_MIB = 2, 10_000, 256, 8.0
QUARANTINE = "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:allocator_release_to_os_interval_ms=0"

# Two crawls: one that runs, one that has ended; the same articles' length as of common pages.
FILL = """
insert into host (name) select 'h' || n || '.example' from generate_series(0, 99) n;
insert into crawl (request, seed, scope, max_depth, max_pages) values (gen_random_uuid(), 'http://h0.example/', 'any', 3, 1000000),
    (gen_random_uuid(), 'http://h1.example/', 'any', 3, 1000000);
create temp table made as select n, 3 + n %% 2 as crawl_id, 'http://h' || n %% 100 || '.example/articles/' || n || '.html' as url,
    encode(substr(sha256(convert_to('article ' || n, 'UTF8')), 1, 16), 'hex')::uuid as content from generate_series(0, %(pages)s - 1) n;
insert into article (content_hash, text, markdown) select content, x, x from
    (select content, string_agg(md5(n::text || k::text), ' ') as x from made, generate_series(1, 60) k group by content, n) s;
insert into summary (content_hash, recipe_hash, engine, text) select content, '00000000-0000-0000-0000-000000000009', 'extractive',
    repeat('A sentence of the summary of a page that was crawled. ', 6) from made;
insert into page (crawl_id, url_hash, url, host_id, state, code, depth, content_hash, recipe_hash, title, lang, words, event, ended_at, scheduled_at)
    select crawl_id, encode(substr(sha256(convert_to(url, 'UTF8')), 1, 16), 'hex')::uuid, url,
        (select id from host where name = 'h' || n %% 100 || '.example'), 'stored', 'OK', 1, content, '00000000-0000-0000-0000-000000000009',
        'Title of page ' || n, 'en', 400, row_number() over (partition by crawl_id order by n) + 1, now(), now() from made;
update crawl c set admitted = n + 400, registered = 300, scheduled = 100, open = 400, stored = n, event = n + 1, rate = 500
    from (select crawl_id, count(*) as n from page group by 1) p where p.crawl_id = c.id and c.id = 3;
update crawl c set admitted = n, stored = n, event = n + 1, state = 'completed', finished_at = now()
    from (select crawl_id, count(*) as n from page group by 1) p where p.crawl_id = c.id and c.id = 4;
"""

WRK = """
local pages = %(pages)d
math.randomseed(os.time())
request = function()
  local n = math.random(0, pages - 1)
  return wrk.format("GET", "/v1/summary?url=http%%3A%%2F%%2Fh" .. (n %% 100) .. ".example%%2Farticles%%2F" .. n .. ".html")
end
"""


def say(text=""):
    print(text, flush=True)


def rss_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def is_sanitized(program):
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


class Bench:
    """A database with pages, a gateway before it."""

    def __init__(self, run_dir, pages):
        self.run_dir, self.pages, self.port = run_dir, pages, Port()
        self.database = Database(run_dir.subdir("postgres"), safe=True, config="shared_buffers = 512MB\n")
        self.database.start().ready()
        self.database.create("bench")
        bin_dir = install(run_dir, ("writer", "gateway"))
        env = base_env(run_dir.path) | {"DATABASE_URL": self.database.url("bench"), "GATEWAY_ADDR": f"127.0.0.1:{self.port}"}
        if is_sanitized(os.path.join(bin_dir, "gateway")):
            env["ASAN_OPTIONS"] = ":".join(filter(None, (env.get("ASAN_OPTIONS"), QUARANTINE)))
            say(f"AddressSanitizer, ASAN_OPTIONS={env['ASAN_OPTIONS']}")
        done = subprocess.run([os.path.join(bin_dir, "writer"), "--migrate"], env=env, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(done.stderr)
        self.query(FILL % {"pages": pages})
        self.query("vacuum analyze")
        self.gateway = Program(os.path.join(bin_dir, "gateway"), env, os.path.join(run_dir.subdir("log"), "gateway.log"), run_dir.path)
        wait_until(lambda: self.health("/readyz") is not None, 20, "the gateway is ready")

    def query(self, sql):
        return self.database.query("bench", sql)

    def health(self, path="/healthz"):
        """Seconds until it answers; None: it does not."""
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10):
                return time.monotonic() - begin
        return None

    def live_kib(self):
        """What the gateway has allocated and not freed, once nothing is under way but this question."""
        def metrics():
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
                return dict(re.findall(r"(?m)^(\w+) (\d+)", answer.read().decode()))
        found = wait_until(lambda: (m := metrics()) and int(m["gistmill_gateway_connections"]) <= 1 and m, 40, "connections are closed")
        return int(found["gistmill_gateway_heap_bytes"]) / 1024

    def wrk(self, title, path, seconds, script=None, headers=()):
        """Runs it; {rate, p50, p99 in ms, faults}."""
        command = ["wrk", "-t2", "-c64", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{self.port}{path}"]
        for header in headers:
            command += ["-H", header]
        if script:
            name = os.path.join(self.run_dir.path, "wrk.lua")
            with open(name, "w", encoding="ascii") as file:
                file.write(script)
            command += ["-s", name]
        before = rss_mib(self.gateway.pid)
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), "faults": 0}
        for percent in (50, 99):
            value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", out).groups()
            found[f"p{percent}"] = float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        for kind in re.findall(r"Non-2xx or 3xx responses: (\d+)", out):
            found["faults"] += int(kind)
        found["socket"] = re.findall(r"Socket errors: (.*)", out)
        say(f"  {title}: {found['rate']:,.0f} a second, median {found['p50']:.1f} ms, 99th percentile {found['p99']:.1f} ms, "
            f"{found['faults']} faults, {' '.join(found['socket'])} memory {before:.1f} to {rss_mib(self.gateway.pid):.1f} MiB")
        return found

    def close(self):
        self.gateway.kill9()
        self.database.close()


async def stream(port, got, stop):
    """One reader of crawl 3's events; got counts the pages."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /v1/crawl/3/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    got["open"] += 1
    reading = asyncio.create_task(count(reader, got))
    await stop.wait()
    reading.cancel()
    writer.close()


async def count(reader, got):
    while True:
        piece = await reader.read(65536)
        if not piece:
            got["ended"] += 1
            return
        got["pages"] += piece.count(b"event: page\n")
        got["starts"] += piece.count(b"event: start\n")


async def streams(bench, clients):
    """Opens them, lets 100 pages end one by one, waits until each reader has heard of all."""
    got, stop = {"open": 0, "pages": 0, "starts": 0, "ended": 0}, asyncio.Event()
    before = rss_mib(bench.gateway.pid)
    tasks = [asyncio.create_task(stream(int(bench.port), got, stop)) for _ in range(clients)]
    await until(lambda: got["starts"] == clients, 60)
    opened = rss_mib(bench.gateway.pid)
    for n in range(100):
        bench.query(f"with c as (update crawl set event = event + 1 where id = 3 returning event) "
                    f"update page set event = (select event from c), ended_at = now() where id = {2 * n + 1}; notify gistmill")
        await asyncio.sleep(0.03)
    await until(lambda: got["pages"] >= 100 * clients, 60)
    most = rss_mib(bench.gateway.pid)
    stop.set()
    await asyncio.gather(*tasks)
    await until(lambda: descriptors(bench.gateway.pid) < clients, 40)
    say(f"  {clients} event streams: {before:.1f} MiB before, {opened:.1f} with all open, {most:.1f} after {got['pages']:,} events; "
        f"{got['ended']} broke off")
    return most - before, got


async def until(condition, deadline):
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"not within {deadline} s")
        await asyncio.sleep(0.05)


def storm(bench, seconds):
    """A connection for each request. {rate, health, files, live, rss}: connections a second, seconds until /healthz answers; what is left
    behind: descriptors, KiB, MiB."""
    files, live, memory = descriptors(bench.gateway.pid), bench.live_kib(), rss_mib(bench.gateway.pid)
    found = bench.wrk("a connection for each request", "/healthz", seconds, headers=("Connection: close",))
    health = bench.health()
    wait_until(lambda: descriptors(bench.gateway.pid) <= files + 2, 40, "connections are closed")
    now = bench.live_kib()
    left = {"rate": found["rate"], "health": health, "files": descriptors(bench.gateway.pid) - files, "live": now - live,
            "rss": rss_mib(bench.gateway.pid) - memory}
    say(f"  afterwards: /healthz in {1000 * (health or 99):.1f} ms; {left['files']:+d} descriptors, live {live:,.0f} to {now:,.0f} KiB, "
        f"resident {memory:.1f} to {memory + left['rss']:.1f} MiB")
    return left


def storms(bench, seconds):
    """True if nothing stays behind."""
    left = [storm(bench, seconds) for _ in range(STORMS)]
    answers = all(one["health"] is not None and one["health"] <= HEALTH_MAX_S and one["rate"] >= CONNECTS_MIN and one["files"] <= 2 for one in left)
    return answers and sum(one["live"] for one in left) <= LIVE_MAX_KIB and sum(one["rss"] for one in left) <= RSS_MAX_MIB


def measure(bench, seconds, clients, storm_s):
    faults = []
    say(f"\nwrk, 64 connections, {bench.pages:,} pages")
    script = WRK % {"pages": bench.pages}
    for title, path, lua in (("GET /v1/summary?url=", "/", script), ("GET /v1/crawl/{id}, running", "/v1/crawl/3", None),
                             ("GET /v1/crawl/{id}, ended", "/v1/crawl/4", None)):
        bench.wrk(title + " (warming up)", path, 3, lua)
        found = bench.wrk(title, path, seconds, lua)
        if found["rate"] < RATE_MIN or found["p99"] > P99_MAX_MS or found["faults"]:
            faults.append(title)
    say("\nevent streams")
    more, got = asyncio.run(streams(bench, clients))
    if more > STREAMS_MAX_MIB or got["ended"]:
        faults.append("event streams")
    say("\nconnections")
    if not storms(bench, storm_s):
        faults.append("connections")
    return faults


def main():
    try:
        pages, seconds, clients, storm_s = (int(os.environ.get(name) or value) for name, value in
                                            (("PAGES", 100_000), ("SECONDS", 20), ("CLIENTS", 1000), ("STORM", 30)))
    except ValueError:
        print(__doc__, file=sys.stderr)
        return 100
    run_dir = RunDir(os.path.join(TOP, ".run"), "bench-gateway-")
    bench = None
    try:
        say(machine.describe(run_dir.path))
        bench = Bench(run_dir, pages)
        faults = measure(bench, seconds, clients, storm_s)
    finally:
        if bench:
            bench.close()
        end_all()
        run_dir.remove()
    say(f"\nnot as demanded: {', '.join(faults)}" if faults else "\nas demanded")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
