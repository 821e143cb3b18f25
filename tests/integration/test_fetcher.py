"""The fetcher alone: a broker, a site of faults, and messages written and read by the test."""

import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pika
import pytest

from support.fault_site import FAULTS, FaultSite
from support.island import Island, Names
from support.nginx import Nginx
from support.process import give
from support.program import Program, new_log
from support.stack import QUEUES, base_env, wait_until

# Tests are patient with the machine: what is to run into a limit does so for certain, everything else has room.
LIMITS = {"FETCH_FIRST_BYTE_TIMEOUT": "3s", "FETCH_TIMEOUT": "6s"}


@pytest.fixture(scope="module")
def site():
    with FaultSite() as made:
        yield made


@pytest.fixture
def run(bin_dir, run_dir):
    """Runs the fetcher with arguments, without a broker."""
    env = base_env(run_dir.path) | LIMITS | {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8"}

    def run(*arguments, text="", **more):
        return subprocess.run([os.path.join(bin_dir, "fetcher"), *arguments], env=env | more, input=text.encode(),
                              capture_output=True, timeout=180, check=False)
    return run


# Without a broker -----------------------------------------------------------------------------------------------------

def test_once_gives_each_fault_its_code(site, run):
    def once(path):
        done = run("--once", site.url(path))
        words = done.stderr.decode().split()
        return path, words[1], int(words[2].removeprefix("status=").rstrip(":")), done.returncode

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(once, FAULTS))
    assert got == [(path, f.code, f.status, 0 if f.code == "OK" else 1) for path, f in FAULTS.items()]


def test_once_prints_headers_and_body(site, run):
    done = run("--once", site.url("/gzip"))
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Encoding: gzip" in head
    assert body.startswith(b"<!doctype html><title>A page</title>") and done.stderr.startswith(b"done OK ")


def test_request_carries_our_name_and_nothing_private(site, run):
    run("--once", site.url("/cookie"))
    done = run("--once", site.url("/echo").replace("http://", "http://me:secret@"), CONTACT="me@example.org",
               http_proxy="http://127.0.0.1:9/")
    lines = dict(line.split(": ", 1) for line in done.stdout.decode().split("\r\n\r\n", 1)[1].split("\n"))
    assert lines["User-Agent"].startswith("Gistmill/") and lines["User-Agent"].endswith("; me@example.org)")
    assert "gzip" in lines["Accept-Encoding"] and not {"Cookie", "Authorization", "Referer"} & set(lines)


def test_batch_does_all_at_once(site, run):
    lines = [site.url(path) for path in FAULTS] + ["", "not a URL", "ftp://127.0.0.1/"]
    done = run("--batch", "-", text="\n".join(lines))
    rows = [line.split(" ", 4) for line in done.stdout.decode().splitlines()]
    codes = {row[4]: row[3] for row in rows[:-1]}
    assert codes == {site.url(path): f.code for path, f in FAULTS.items()} | {lines[-2]: "BAD_URL", lines[-1]: "BAD_URL"}
    assert done.returncode == 1 and rows[-1][0] == f"urls={len(lines) - 1}"


def test_connections_are_reused(site, run):
    before = site.connections
    done = run("--batch", "-", text=f"{site.url('/ok')}\n" * 400, FETCH_CONCURRENCY="5")
    assert done.returncode == 0 and site.connections - before <= 5


def test_addresses_by_setting(site, run):
    """FETCH_RESOLVE holds for every host, also for those that the only handle comes to later."""
    text = "".join(f"http://host{number}.test:{site.port}/ok\n" for number in range(40))
    done = run("--batch", "-", text=text, FETCH_CONCURRENCY="1", FETCH_RESOLVE=f"*:{site.port}:127.0.0.1")
    assert done.returncode == 0 and done.stdout.count(b" OK http") == 40, done.stdout


def test_names_are_asked_for_once(run_dir, bin_dir):
    """Each request makes a connection of its own, to a name that was resolved for the first one."""
    with Island(run_dir.subdir("island-names"), []) as island, Names(island) as names, FaultSite(sock=island.listen("127.0.0.1", 80)) as site:
        names.answers["site.test"] = [["127.0.0.1"]]
        done = subprocess.run(island.enter(os.path.join(bin_dir, "fetcher"), "--batch", "-"), input=b"http://site.test/close\n" * 50,
                              env=base_env(run_dir.path) | {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_CONCURRENCY": "1"},
                              capture_output=True, timeout=180, check=True)
        assert done.stdout.count(b" OK http") == site.connections == 50
        assert names.asked == {"site.test": 1}


def test_a_resolver_that_comes_back(run_dir, bin_dir):
    """What failed before it did says nothing about the name, although the resolver answers when it is asked why."""
    asked = []

    def broken(name):
        if name.endswith(".old.test"):  # a question of the fetcher's own
            threading.Event().wait(0.01)  # what was begun before is told apart by milliseconds
            asked.append(name)
            return len(asked) == 1
        return name in ("first.test", "second.test")

    with Island(run_dir.subdir("island-back"), []) as island, Names(island) as names, FaultSite(sock=island.listen("127.0.0.1", 80)):
        names.answers["old.test"] = [["127.0.0.1"]]
        names.broken = broken
        text = "".join(f"http://{name}.test/ok\n" for name in ("old", "first", "second", "third"))
        done = subprocess.run(island.enter(os.path.join(bin_dir, "fetcher"), "--batch", "-"), input=text.encode(),
                              env=base_env(run_dir.path) | {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_CONCURRENCY": "1"},
                              capture_output=True, timeout=180, check=False)
        codes = [line.split(" ", 4)[3] for line in done.stdout.decode().splitlines()[:-1]]
        assert codes == ["OK", "NO_RESOLVER", "NO_RESOLVER", "DNS_FAIL"] and len(asked) == 2, (done, asked)


def test_private_addresses_are_refused(site, run):
    before = site.connections
    for url in (site.url("/ok"), f"http://localhost:{site.port}/ok", f"http://0x7f.1:{site.port}/ok"):
        done = run("--once", url, FETCH_ALLOW_NETWORKS="")
        assert done.returncode == 1 and b"ADDRESS_BLOCKED" in done.stderr
    done = run("--once", "http://some.name.test/ok", FETCH_ALLOW_NETWORKS="", FETCH_RESOLVE="*:80:127.0.0.1")
    assert b"ADDRESS_BLOCKED" in done.stderr
    assert site.connections == before


@pytest.fixture(scope="module")
def certificate(run_dir):
    """A PEM file for the name site.test, signed by itself; private to this run."""
    path = os.path.join(run_dir.path, "site.test.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=site.test", "-addext", "subjectAltName=DNS:site.test", "-keyout", path + ".key", "-out", path],
                   check=True, capture_output=True, timeout=180)
    with open(path, "a") as out, open(path + ".key") as key:
        out.write(key.read())
    return path


def test_certificates_are_verified(run, certificate):
    with FaultSite(certificate=certificate) as tls:
        there = {"FETCH_RESOLVE": f"*:{tls.port}:127.0.0.1"}
        url, other = f"https://site.test:{tls.port}/ok", f"https://other.test:{tls.port}/ok"
        assert run("--once", url, FETCH_CA_FILE=certificate, **there).returncode == 0
        assert b" TLS " in run("--once", url, **there).stderr
        assert b" TLS " in run("--once", other, FETCH_CA_FILE=certificate, **there).stderr
        # neither side speaks the other's language
        assert b" BAD_RESPONSE " in run("--once", url.replace("https", "http"), **there).stderr
    with FaultSite() as plain:
        done = run("--once", plain.url("/ok").replace("http", "https"))  # which waits for the end of a request
        assert b" TIMEOUT " in done.stderr and b"TLS handshake" in done.stderr


SECURE = """\
  log_format protocol '$server_protocol $connection';
  server {{ listen 127.0.0.1:PORT ssl{http2}; ssl_certificate {pem}; ssl_certificate_key {pem}; access_log {run}/access.log protocol;
            location / {{ return 200 '<p>{words}'; }} }}"""


@pytest.mark.parametrize("http2, protocol, connections", [(" http2", "HTTP/2.0", 1), ("", "HTTP/1.1", 20)], ids=["offered", "not"])
def test_http2_where_it_is_offered(run, run_dir, certificate, http2, protocol, connections):
    """Then one connection carries all requests, twenty at once."""
    directory = run_dir.subdir(f"nginx-{protocol[5]}")
    pem = os.path.join(directory, "site.pem")
    shutil.copyfile(certificate, pem)
    give(pem)
    server = Nginx(directory, SECURE.format(run=directory, http2=http2, pem=pem, words="Words of a page. " * 100))
    try:
        done = run("--batch", "-", text=f"https://site.test:{server.port}/\n" * 400, FETCH_CONCURRENCY="20", FETCH_CA_FILE=certificate,
                   FETCH_RESOLVE=f"*:{server.port}:127.0.0.1")
    finally:
        server.close()
    assert done.returncode == 0 and done.stdout.count(b" OK https") == 400, done.stdout
    with open(os.path.join(directory, "access.log"), encoding="ascii") as f:
        answered = [line.split() for line in f]
    assert len(answered) == 400 and {used for used, _ in answered} == {protocol}
    assert len({connection for _, connection in answered}) <= connections


def test_a_server_that_does_not_accept(run):
    """Its queue of connections is full: the kernel drops what comes."""
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            s = waiting.enter_context(socket.socket())
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                s.connect(full.getsockname())
        done = run("--once", f"http://127.0.0.1:{full.getsockname()[1]}/", FETCH_CONNECT_TIMEOUT="500ms")
    assert b" CONNECT_FAIL " in done.stderr and b"not connected within 5" in done.stderr


@pytest.mark.parametrize("name, value", [
    ("FETCH_ALLOW_NETWORKS", "private"), ("FETCH_ALLOW_NETWORKS", "127.0.0.1/8"), ("FETCH_ALLOW_PORTS", "ssh"), ("FETCH_CA_FILE", "/nonexistent"),
    ("FETCH_USER_AGENT", "a\r\nb"), ("CONTACT", "a\nX: y"), ("FETCH_CONNECT_TO", "a:b"), ("FETCH_RESOLVE", "a"),
    ("FETCH_MAX_BYTES", "10485761"), ("FETCH_CONCURRENCY", "0")])
def test_bad_configuration_stops_the_start(run, name, value):
    done = run("--check-config", **{name: value})
    assert done.returncode == 100 and name.encode() in done.stderr


# With a broker --------------------------------------------------------------------------------------------------------

class Line:
    """One fetcher on queues of its own."""

    def __init__(self, broker, bin_dir, directory, prefix):
        self.broker, self.prefix, self.directory = broker, prefix, directory
        self.path = os.path.join(bin_dir, "fetcher")
        self.env = base_env(directory) | LIMITS | {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "AMQP_URL": broker.url, "AMQP_PREFIX": prefix,
                                                   "LOG_LEVEL": "debug"}
        self.log = new_log(os.path.join(directory, "fetcher.log"))
        self.programs = []
        self.html, self.records = {}, []

    def start(self, wait=True, **env):
        program = Program(self.path, self.env | env, self.log, self.directory)
        self.programs.append(program)
        return program.wait_ready() if wait else program

    def ticket(self, url, page=1, release=1, deadline=30.0, **more):
        body = {"v": 1, "kind": "ticket", "page": str(page), "crawl": "7", "host": "9", "release": str(release), "depth": 1, "url": url,
                "deadline": int((time.time() + deadline) * 1000), "attempt": 1, **more}
        self.publish("url", json.dumps({k: v for k, v in body.items() if v is not None}))

    def publish(self, queue, *bodies):
        self.broker.publish(self.prefix + queue, *bodies)

    def take(self, queue):
        """All messages of a queue, for good."""
        found = []
        with self.broker.channel() as channel:
            while True:
                method, properties, body = channel.basic_get(self.prefix + queue, auto_ack=True)
                if method is None:
                    return found
                found.append((properties, body))

    def reports(self, count, deadline=30.0):
        """Waits until `count` records were reported since the start; returns them all."""
        def enough():
            for properties, body in self.take("report"):
                assert properties.type in ("report.v1", "alive.v1") and properties.content_type == "application/json"
                self.records += json.loads(body)
            return len(self.records) >= count
        wait_until(enough, deadline, lambda: f"{len(self.records)} of {count} records")
        return self.records

    def close(self):
        for program in self.programs:
            program.kill9()
        self.broker.delete(*(self.prefix + queue for queue in QUEUES))


@pytest.fixture
def line(services, bin_dir, run_dir, numbers):
    name = f"fetcher{next(numbers)}"
    made = Line(services.broker, bin_dir, run_dir.subdir(name), name + ".")
    yield made
    made.close()


def queue_is_empty(line, queue="url"):
    """Nothing ready; what is in hand shows when the fetcher has ended."""
    return line.broker.depth(line.prefix + queue) == 0


def test_each_ticket_ends_in_one_report(line, site):
    program = line.start()
    paths = list(FAULTS)
    for number, path in enumerate(paths, 1):
        line.ticket(site.url(path), page=number, release=number + 100)
    records = line.reports(len(paths))
    assert len(records) == len(paths)
    pages = {properties.message_id: (properties, body) for properties, body in line.take("html")}
    for record in records:
        number = int(record["page"])
        expected = FAULTS[paths[number - 1]]
        assert record["release"] == str(number + 100) and record["host"] == "9" and record["ticketed"] == 1, record
        assert record["fetched_at"] >= record["taken_at"] > 1e12
        if expected.code == "OK":
            assert record["kind"] == "fetched" and record["status"] == expected.status, record
            properties, _ = pages.pop(f"{number}.{number + 100}")
            page = json.loads(properties.headers["record"])
            assert properties.type == "html.v1" and properties.content_encoding == "zstd" and properties.delivery_mode == 2
            assert page["kind"] == "page" and page["url"] == site.url(paths[number - 1]) and page["depth"] == 1
            assert page["bytes" if paths[number - 1] not in ("/empty", "/gzip-empty", "/no-content") else "status"] > 0
        else:
            assert (record["kind"], record["code"], record.get("status", 0)) == ("verdict", expected.code, expected.status), record
            if expected.code == "REDIRECTED":
                assert record["location"].startswith("http://")
    assert not pages  # and nothing else was passed on
    assert next(r for r in records if paths[int(r["page"]) - 1] == "/503-seconds")["retry_after"] == 120
    assert program.terminate(20) == 0 and queue_is_empty(line)
    assert len(program.log_lines(stage="fetcher")) == len(paths)  # one outcome line each


def test_headers_of_the_page_travel_with_it(line, site):
    line.start()
    line.ticket(site.url("/fields"))
    line.reports(1)
    (properties, _), = line.take("html")
    page = json.loads(properties.headers["record"])
    assert page["etag"] == '"v1"' and page["robots_tag"] == "noindex" and page["last_modified"].startswith("Sat, 29 Oct 1994")
    assert page["content_type"] == properties.content_type == "text/html; charset=utf-8" and page["attempt"] == 1


def test_tickets_out_of_time_are_returned_unused(line, site):
    line.start()
    before = len(site.requests)
    line.ticket(site.url("/ok"), page=1, deadline=-0.001)
    line.ticket(site.url("/robots.txt"), page=0, crawl=None, deadline=-60)
    records = line.reports(2)
    assert [r["kind"] for r in records] == ["returned"] * 2 and {r["page"] for r in records} == {"1", "0"}
    assert len(site.requests) == before


def test_tickets_delivered_again_are_returned_unused(line, site):
    line.start().terminate(20)  # the queues are there
    line.ticket(site.url("/ok"))
    before = len(site.requests)
    with line.broker.channel() as channel:
        assert channel.basic_get(line.prefix + "url")[0] is not None  # taken, not acked: comes again
    line.start()
    assert [r["kind"] for r in line.reports(1)] == ["returned"]
    assert len(site.requests) == before


def test_a_killed_fetcher_s_ticket_is_returned_by_the_next(line, site):
    program = line.start(FETCH_FIRST_BYTE_TIMEOUT="30s", FETCH_TIMEOUT="30s")
    before = site.hits("/slow-first-byte")
    line.ticket(site.url("/slow-first-byte"))
    wait_until(lambda: site.hits("/slow-first-byte") > before, 20, "the request arrives")
    program.kill9()
    line.start()
    assert [r["kind"] for r in line.reports(1)] == ["returned"]
    assert site.hits("/slow-first-byte") == before + 1


def test_losing_the_connection_aborts_the_transfer(line, site):
    line.start(FETCH_FIRST_BYTE_TIMEOUT="30s", FETCH_TIMEOUT="30s")
    before = site.hits("/slow-first-byte")
    line.ticket(site.url("/slow-first-byte"))
    wait_until(lambda: site.hits("/slow-first-byte") > before, 20, "the request arrives")
    line.broker.ctl("close_all_connections", "test")
    assert [r["kind"] for r in line.reports(1)] == ["returned"]
    line.ticket(site.url("/ok"), page=2)
    assert line.reports(2)[-1]["kind"] == "fetched"


def test_stopping_finishes_what_is_in_hand(line, site):
    program = line.start()
    before = site.hits("/late")
    for number in range(1, 31):
        line.ticket(site.url("/late"), page=number)
    wait_until(lambda: site.hits("/late") > before, 20, "requests arrive")
    program.send(signal.SIGTERM)
    assert program.wait(20) == 0
    fetched = {r["page"] for r in line.reports(1)}
    assert fetched == {properties.message_id.split(".")[0] for properties, _ in line.take("html")}
    assert len(fetched) + line.broker.depth(line.prefix + "url") == 30
    assert len(fetched) == site.hits("/late") - before


def test_robots_txt(line):
    with FaultSite() as site:
        cases = {
            "/text": ("OK", 200, None), "/404": ("unavailable", 404, None), "/503": ("unreachable", 503, None),
            "/redirect-relative": ("OK", 200, None), "/redirect-self": ("loop", 302, "REDIRECT_LOOP"),
            "/redirect-file": ("refused", 302, "BAD_URL"), "/huge": ("cut", 200, None), "/bad-gzip": ("broken", 200, "BAD_RESPONSE"),
            "/slow-first-byte": ("slow", 0, "TIMEOUT"), "/type-octets": ("any type", 200, None),
            "/redirect-metadata": ("no hop goes there", 0, "ADDRESS_BLOCKED"), "/redirect-cookie": ("OK", 200, None),
        }
        line.start()
        for number, path in enumerate(cases, 1):
            line.ticket(site.url(path), page=0, crawl=None, release=number)
        line.ticket("http://169.254.169.254/robots.txt", page=0, crawl=None, release=100)
        records = {int(r["release"]): r for r in line.reports(len(cases) + 1)}
        for number, (path, (what, status, code)) in enumerate(cases.items(), 1):
            r = records[number]
            assert (r["kind"], r.get("status", 0), r.get("code")) == ("robots", status, code), (path, what, r)
        assert site.hits("/redirect-self") == 6  # five redirects are followed
        assert records[1]["robots"].startswith("Plain words.")
        assert records[100]["code"] == "ADDRESS_BLOCKED"
        assert len(next(r for r in records.values() if r.get("robots", "").startswith("<p>more"))["robots"]) == 500 * 1024
        assert "\0" not in records[list(cases).index("/type-octets") + 1]["robots"]
        assert not line.take("html")
        assert not {"Cookie", "Authorization"} & {name for _, request in site.requests for name, _ in request.headers}


def test_what_is_no_ticket_goes_to_seed(line, site):
    program = line.start()
    bodies = [site.url("/ok").encode(), b'{"url":"https://example.org/","depth":2}', b"", b"\xff\x00garbage", b'{"kind":"ticket"}']
    line.publish("url", *bodies)
    wait_until(lambda: line.broker.depth(line.prefix + "seed") == len(bodies), 20, "all are in seed")
    assert sorted(body for _, body in line.take("seed")) == sorted(bodies)
    assert program.terminate(20) == 0 and queue_is_empty(line)


def test_a_newer_ticket_stops_the_program_and_stays(line):
    program = line.start()
    line.publish("url", '{"v":2,"kind":"ticket","much":"new"}')
    wait_until(lambda: program.log_lines(level="error"), 20, "it says so")
    wait_until(lambda: line.broker.depth(line.prefix + "url") == 1, 20, "the ticket is back")
    assert program.alive() and not line.take("report")


def test_many_tickets_at_once(line, site):
    """All ends, each once, reports gathered into fewer messages, connections reused."""
    program = line.start(FETCH_CONCURRENCY="32")
    before = site.connections
    count = 1500
    with line.broker.channel() as channel:
        deadline = int((time.time() + 60) * 1000)
        for number in range(1, count + 1):
            channel.basic_publish("", line.prefix + "url", json.dumps({
                "v": 1, "kind": "ticket", "page": str(number), "crawl": "7", "host": "9", "release": "1", "url": site.url("/ok"),
                "deadline": deadline}), pika.BasicProperties(delivery_mode=2), mandatory=True)
    pages = [int(r["page"]) for r in line.reports(count, 60) if r["kind"] == "fetched"]
    assert sorted(pages) == list(range(1, count + 1))
    assert line.broker.depth(line.prefix + "html") == count
    assert site.connections - before <= 32
    assert program.terminate(20) == 0 and queue_is_empty(line)
