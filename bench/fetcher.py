"""The fetcher measured alone; `make bench-fetcher`. docs/PERFORMANCE.md says how to read the figures.

A private nginx serves pages of 10 KB under 1,000 host names. In turn, three rounds: libcurl bare (bench/bare.c), then
`fetcher --batch` on the same URLs. Then the fetcher with a private RabbitMQ: 8,000 tickets, which wait in the queue `url`
when it starts, become pages in `html` and reports in `report`; time is from the first ticket taken to the last ticket acked.

The environment: ROUNDS=3; GM_BUILD; FETCH_… and AMQP_… settings of the fetcher.

exit status: 0 measured, and both aims met; 1 something failed, or an aim was missed
"""

import concurrent.futures
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.dirname(os.path.abspath(__file__))]

import machine  # noqa: E402
from site_server import Site  # noqa: E402
from support.process import Failure, Port, RunDir, cpu_seconds, end_all, wait_until  # noqa: E402
from support.broker import Broker  # noqa: E402
from support.program import Program, build_dir, install, new_log  # noqa: E402

PAGE_BYTES = 10 * 1024
PAGES, HOSTS = 30, 1000  # every host serves every page
TICKETS = 8000  # the queue `url` takes 8,192
RATIO_MIN, SPEED_MIN = 0.70, 3000
PUBLISHERS = 16
# More than one for each host: a cache of connections that is full closes the very ones that come next in the round.
CONNECTIONS = 2048
BATCH = {"FETCH_CONCURRENCY": "64"}  # the default, for both
# A page is in hand until the broker has confirmed it and its report: so more of them at once.
LINE = {"FETCH_CONCURRENCY": "512"}
PREFIX = "bench."


def say(text=""):
    print(text, flush=True)


def settings():
    """What the environment sets, for the fetcher."""
    return {key: value for key, value in os.environ.items() if re.match(r"(FETCH|AMQP)_[A-Z_]+$", key)}


def write_site(folder):
    """PAGES pages of PAGE_BYTES of words; the same in every run."""
    rng = random.Random(1)
    words = ["".join(rng.choice("abcdefghijklmnoprstuvw") for _ in range(rng.randint(2, 9))) for _ in range(3000)]
    for number in range(PAGES):
        text = f"<!doctype html><title>Page {number}</title>"
        while len(text) < PAGE_BYTES:
            text += "<p>" + " ".join(rng.choice(words) for _ in range(60)) + ".\n"
        with open(os.path.join(folder, f"{number}.html"), "w", encoding="ascii") as f:
            f.write(text[:PAGE_BYTES])


def summary(done):
    """The last line of --batch and of bare: `key=value …`."""
    if done.returncode != 0:
        raise Failure(f"{' '.join(done.args)}: status {done.returncode}\n{done.stdout[-500:]}{done.stderr[-500:]}")
    return dict(pair.split("=") for pair in done.stdout.splitlines()[-1].split())


class Bench:
    """The site, the URLs and the ways to fetch them."""

    def __init__(self, run_dir):
        self.run_dir, self.bin_dir = run_dir, install(run_dir, ["fetcher"])
        folder = run_dir.subdir("www")
        write_site(folder)
        self.site = Site(run_dir, folder, 1)
        self.urls = [f"http://h{host}.test:{self.site.port}/{page}.html" for page in range(PAGES) for host in range(HOSTS)]
        self.list = os.path.join(run_dir.path, "urls")
        with open(self.list, "w", encoding="ascii") as f:
            f.write("\n".join(self.urls) + "\n")
        self.resolve = f"*:{self.site.port}:127.0.0.1"
        self.env = {"PATH": "/usr/bin:/bin", "FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_RESOLVE": self.resolve,
                    "FETCH_CONNECTIONS": str(CONNECTIONS)}
        self.broker = None

    def bare(self):
        concurrency = (BATCH | settings())["FETCH_CONCURRENCY"]
        done = subprocess.run([os.path.join(TOP, build_dir(), "tools/bare"), self.list, concurrency, str(CONNECTIONS), self.resolve],
                              capture_output=True, text=True, timeout=300, check=False)
        return float(summary(done)["per_second"])

    def batch(self):
        done = subprocess.run([os.path.join(self.bin_dir, "fetcher"), "--batch", self.list], env=self.env | BATCH | settings(),
                              capture_output=True, text=True, timeout=300, check=False)
        return float(summary(done)["per_second"])

    # With the broker ----------------------------------------------------------------------------------------------------

    def start_broker(self):
        self.broker = Broker(self.run_dir.subdir("rabbitmq"))
        self.broker.start().ready()
        self._fetcher().terminate()  # which declares the queues

    def _fetcher(self, **more):
        log = new_log(os.path.join(self.run_dir.path, "fetcher.log"))
        env = self.env | LINE | {"AMQP_URL": self.broker.url, "AMQP_PREFIX": PREFIX, "LOG_LEVEL": "warn"} | settings() | more
        return Program(os.path.join(self.bin_dir, "fetcher"), env, log, self.run_dir.subdir("fetcher")).wait_ready()

    def _tickets(self):
        deadline = int((time.time() + 300) * 1000)
        bodies = [json.dumps({"v": 1, "kind": "ticket", "page": str(number), "crawl": "1", "host": str(number % HOSTS + 1), "release": str(number),
                              "depth": 1, "url": self.urls[number - 1], "deadline": deadline, "attempt": 1}) for number in range(1, TICKETS + 1)]
        with concurrent.futures.ThreadPoolExecutor(PUBLISHERS) as pool:  # each one waits for the confirm of each message
            list(pool.map(lambda i: self.broker.publish(PREFIX + "url", *bodies[i::PUBLISHERS]), range(PUBLISHERS)))
        wait_until(lambda: self.broker.depth(PREFIX + "url") == TICKETS, 30,
                   lambda: f"{TICKETS} tickets in the queue: {self.broker.depth(PREFIX + 'url')}")

    def _reports(self):
        """All records of the queue `report`."""
        records = []
        with self.broker.channel() as channel:
            while True:
                method, _, body = channel.basic_get(PREFIX + "report", auto_ack=True)
                if method is None:
                    return records
                records += json.loads(body)

    def line(self):
        """(pages a second, CPU ms a page of the fetcher, of RabbitMQ)."""
        for queue in ("html", "report"):
            self.broker.purge(PREFIX + queue)
        self._tickets()
        address = f"127.0.0.1:{Port()}"
        broker_cpu = self.broker.process.cpu()
        fetcher = self._fetcher(METRICS_ADDR=address)

        def acked():
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                return int(re.search(rb"^gistmill_acks_total (\d+)", answer.read(), re.M)[1]) == TICKETS
        wait_until(acked, 120, lambda: f"all tickets acked; {self.broker.depths([PREFIX + q for q in ('url', 'html', 'report')])}")
        ended = time.time()
        cpu, broker_cpu = cpu_seconds(fetcher.pid), self.broker.process.cpu() - broker_cpu
        fetcher.terminate()
        records = self._reports()
        if len(records) != TICKETS or any(r["kind"] != "fetched" or r["bytes"] != PAGE_BYTES for r in records):
            raise Failure(f"not {TICKETS} pages: {len(records)} reports, such as {records[:1]}")
        if self.broker.depth(PREFIX + "html") != TICKETS:
            raise Failure(f"not {TICKETS} pages in the queue html")
        return TICKETS / (ended - min(r["taken_at"] for r in records) / 1000), 1000 * cpu / TICKETS, 1000 * broker_cpu / TICKETS

    def close(self):
        self.site.close()
        if self.broker is not None:
            self.broker.close()


def measure(bench, rounds):
    """True if both aims are met."""
    bare, batch = [], []
    for _ in range(rounds):
        bare.append(bench.bare())
        batch.append(bench.batch())
    ratio = statistics.median(batch) / statistics.median(bare)
    say(f"  bare curl multi loop  {statistics.median(bare):>8.0f} pages/s   (rounds: {', '.join(f'{s:.0f}' for s in bare)})")
    say(f"  fetcher --batch       {statistics.median(batch):>8.0f} pages/s   (rounds: {', '.join(f'{s:.0f}' for s in batch)})")
    say(f"  ratio                 {ratio:>8.2f}           (at least {RATIO_MIN:.2f})")
    bench.start_broker()
    lines = [bench.line() for _ in range(rounds)]
    speed = statistics.median(s for s, _, _ in lines)
    say(f"  with the broker       {speed:>8.0f} pages/s   (at least {SPEED_MIN}; rounds: {', '.join(f'{s:.0f}' for s, _, _ in lines)}; "
        f"CPU ms a page: fetcher {lines[-1][1]:.3f}, RabbitMQ {lines[-1][2]:.3f})")
    return ratio >= RATIO_MIN and speed >= SPEED_MIN


def main():
    run_dir, bench, met = None, None, False
    try:
        run_dir = RunDir(os.path.join(TOP, ".run"), "bench-fetcher-")
        say(machine.describe(run_dir.path))
        say(f"{PAGES * HOSTS} pages of {PAGE_BYTES} bytes, {HOSTS} host names, keep-alive; settings: "
            f"{' '.join(f'{key}={value}' for key, value in settings().items()) or 'none'}")
        bench = Bench(run_dir)
        met = measure(bench, int(os.environ.get("ROUNDS") or 3))
    except Failure as why:
        say(f"bench-fetcher: {why}")
    finally:
        if bench is not None:
            bench.close()
        end_all()
        if run_dir is not None:
            run_dir.remove()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
