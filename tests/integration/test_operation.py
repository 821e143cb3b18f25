"""Running the programs: arguments, configuration, log, probes, metrics, signals, services that come late or go away."""

import collections
import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import types
import urllib.error
import urllib.request

import pytest

from support.crawl import QUICK
from support.fake_llm import FakeLLM
from support.probes import get
from support.process import descendants
from support.site import Pages, Reply, Server, Synthetic, article, page
from support.stack import PROGRAMS, Broker, Database, Port, Process, Stack, base_env, new_log, parse_line, tail, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOWHERE = {"AMQP_URL": "amqp://u:secret-word@127.0.0.1:9/", "DATABASE_URL": "postgresql://u:secret-word@127.0.0.1:9/x"}


def readyz(port):
    """Status and text of /readyz; (0, "") if nobody answers yet."""
    try:
        status, _, text = get(port, "/readyz")
    except urllib.error.URLError:
        return 0, ""
    return status, text.rstrip("\n")


@pytest.fixture
def run(bin_dir, run_dir):
    """Runs a program to its end; nothing but what is given is in its environment."""
    def run(name, *arguments, stdin=b"", cwd=None, **env):
        return subprocess.run([os.path.join(bin_dir, name), *arguments], env=base_env(run_dir.path) | env, input=stdin,
                              cwd=cwd, capture_output=True, timeout=180, check=False)
    return run


# Arguments and configuration ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", PROGRAMS)
def test_help_and_version(run, name):
    with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as f:
        version = re.search(r"^VERSION := (\S+)", f.read(), re.M)[1]
    done = run(name, "--version")
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"{name} {version}\n", b"")
    done = run(name, "--help", LOG_LEVEL="nonsense")  # help must work when nothing else does
    text = done.stdout.decode()
    assert done.returncode == 0 and done.stderr == b"" and text.startswith(f"{name}: ")
    for word in ("--version", "--check-config", "--dump-config", "--ready-fd", "AMQP_URL", "METRICS_ADDR", "HOLD_MAX=5m (",
                 {"writer": "--migrate", "summarizer": "--batch"}.get(name, "--once")):
        assert word in text, word


@pytest.mark.parametrize("arguments", [("--nonsense",), ("nonsense",), ("--ready-fd",), ("--ready-fd", "x"), ("--ready-fd", "-1"),
                                       ("--check-config", "more"), ("--help-me",), ("",)])
def test_misuse(run, arguments):
    for name in PROGRAMS:
        done = run(name, *arguments, **NOWHERE)
        assert done.returncode == 100 and done.stdout == b"" and name.encode() in done.stderr, name


def dump(run, name, **env):
    done = run(name, "--dump-config", **env)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.decode().splitlines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_configuration(run, run_dir, name):
    """Dumped as it is in force, times and numbers in one form, secrets never; and what is dumped is what may be set."""
    usual = dump(run, name)
    assert usual["AMQP_URL"] == "***" and usual["LOG_LEVEL"] == "info" and usual["HOLD_MAX"] == "5m"
    changed = dump(run, name, **NOWHERE, HOLD_MAX="90.5", AMQP_WINDOW="007", AMQP_HEARTBEAT="", OPENAI_API_KEY="secret-word")
    assert changed["HOLD_MAX"] == "90500ms" and changed["AMQP_WINDOW"] == "7" and changed["AMQP_HEARTBEAT"] == "30s"
    assert "secret-word" not in str(changed)
    secret = os.path.join(run_dir.path, "secret")
    with open(secret, "w", encoding="ascii") as f:
        f.write("amqp://u:secret-word@h/\n")
    assert dump(run, name, AMQP_URL_FILE=secret)["AMQP_URL"] == "***"
    plain = {key: value for key, value in usual.items() if value != "***"}
    assert dump(run, name, **plain) == usual
    assert run(name, "--check-config", **plain).returncode == 0
    with open(os.path.join(TOP, "docs", "CONFIGURATION.md"), encoding="utf-8") as f:
        text = f.read()
    assert [key for key in usual if f"`{key}`" not in text] == []


BAD = [
    ("AMQP_WINDOW", "many", "AMQP_WINDOW=many: must be a whole number from 1 to 2048"),
    ("AMQP_WINDOW", "99999999999999999999", "AMQP_WINDOW=99999999999999999999: must be a whole number from 1 to 2048"),
    ("HOLD_MAX", "5 m", "HOLD_MAX=5 m: must be a time such as 500ms, 30s, 5m, 24h from 100ms to 20m"),
    ("HOLD_MAX", "1h", "HOLD_MAX=1h: must be from 100ms to 20m"),
    ("AMQP_WINDOW", "-3", "AMQP_WINDOW=-3: must be from 1 to 2048"),
    ("HOLD_MAX", "inf", "HOLD_MAX=inf: must be a time such as 500ms, 30s, 5m, 24h from 100ms to 20m"),
    ("AMQP_PREFIX", "x" * 61, "AMQP_PREFIX: longer than 60 bytes"),
    ("AMQP_URL", "secret-word", "AMQP_URL=***: must be amqp:// or amqps://user:password@host:port/vhost"),
    ("AMQP_URL_FILE", "/nonexistent", "AMQP_URL_FILE=/nonexistent: No such file or directory"),
    ("LOG_LEVEL", "loud", "LOG_LEVEL=loud: must be debug, info, warn or error"),
    ("METRICS_ADDR", "9100", "METRICS_ADDR=9100: must be host:port, with a port from 0 to 65535"),
    ("METRICS_ADDR", "::1:9100", "METRICS_ADDR=::1:9100: write an IPv6 address in brackets"),
    ("METRICS_ADDR", "127.0.0.1:65536", "METRICS_ADDR=127.0.0.1:65536: must be host:port, with a port from 0 to 65535"),
]
BAD_OF = {
    "fetcher": [("FETCH_CONCURRENCY", "0", "FETCH_CONCURRENCY=0: must be from 1 to "),
                ("FETCH_ALLOW_NETWORKS", "10.0.0.0/33", "FETCH_ALLOW_NETWORKS: 10.0.0.0/33 is not a network")],
    "parser": [("PARSE_TIMEOUT", "1h", "PARSE_TIMEOUT=1h: must be from 50ms to 5m")],
    "summarizer": [("SUMMARY_TEMPERATURE", "hot", "SUMMARY_TEMPERATURE=hot: must be a number from 0 to 2"),
                   ("SUMMARY_ENGINE", "steam", "SUMMARY_ENGINE: must be extractive, llm or auto"),
                   ("OPENAI_API_KEY", "secret-word x", "OPENAI_API_KEY: holds blanks or other characters no key has")],
    "writer": [("DATABASE_URL", "secret-word", "DATABASE_URL=***: must be postgresql://user:password@host:port/name"),
               ("LEASE", "5m", "LEASE must exceed HOLD_MAX + SUMMARY_TIMEOUT + 3 x AMQP_HEARTBEAT"),
               ("FRONTIER_WINDOW", "5000", "FRONTIER_WINDOW=5000: must be from 1 to 4096"),
               ("RETRY_BACKOFF", "20s", "RETRY_BACKOFF_MAX must not be below RETRY_BACKOFF")],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_bad_values_stop_the_start(run, name):
    """Named with variable and bounds; checked and started alike; a secret is not repeated."""
    for variable, value, words in BAD + BAD_OF[name]:
        for arguments in ((), ("--check-config",), ("--dump-config",)):
            done = run(name, *arguments, **{variable: value})
            line = parse_line(done.stderr.decode())
            assert done.returncode == 100 and done.stdout == b"", (variable, arguments)
            assert line["level"] == "error" and line["msg"].startswith(f"configuration: {words}"), line
            assert done.stderr.count(b"\n") == 1 and b"secret-word" not in done.stderr


# A port that is taken -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", PROGRAMS)
def test_a_busy_port_is_told_within_a_second(run_dir, bin_dir, name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        log = new_log(os.path.join(run_dir.path, f"busy-{name}.log"))

        def start():
            begin = time.monotonic()
            process = Process(name, [os.path.join(bin_dir, name)], base_env(run_dir.path) | NOWHERE | {"METRICS_ADDR": address}, log)
            status = process.wait(20)
            assert status == 111 and descendants(process.pid) == [], tail(log)
            return time.monotonic() - begin
        assert any(start() < 1 for _ in range(5))
    with open(log, encoding="utf-8") as f:
        lines = [parse_line(line) for line in f]
    assert {line["msg"] for line in lines} == {f"METRICS_ADDR={address}: cannot listen: Address already in use"}
    assert {line["level"] for line in lines} == {"error"}


# Log and metrics of a crawl -----------------------------------------------------------------------------------------------

KEYS = ["job", "url", "stage", "attempt", "ms", "verdict", "reason"]
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) (\w+) (.*)\n")


def metrics(port):
    """{name: {labels: value}} of /metrics, which must be Prometheus text format 0.0.4."""
    status, headers, text = get(port, "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8" and text.endswith("\n")
    types_, found, last = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types_ and kind in ("counter", "gauge"), line
            assert kind == "counter" and name.endswith("_total") or kind == "gauge" and not name.endswith("_total"), line
            types_[name], last = kind, name
            continue
        match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="[^"\\\n]*",?)*)\})? (\S+)', line)
        assert match and match[1] == last, line  # in one block with its type
        labels = match[2] or ""
        assert labels not in found.setdefault(last, {}), line
        found[last][labels] = float(match[3])
    return found


def test_log_and_metrics_of_a_crawl(make_stack):
    """One outcome line a message, keys in one order; one closing line a crawl; counters that agree with both."""
    ports = {name: Port() for name in PROGRAMS}
    stack = make_stack(ATTEMPTS="2", RETRY_BACKOFF="10ms", RETRY_BACKOFF_MAX="10ms")
    programs = {name: stack.start(name, wait=False, METRICS_ADDR=f"127.0.0.1:{port}") for name, port in ports.items()}
    for program in programs.values():
        program.wait_ready()
    site = Pages({"/": page("Home", links=["/a", "/none", '/odd"%20\\%0A', "/fails", "/moved", "/text"]), "/a": page("A"),
                  "/fails": Reply(status=500), "/moved": Reply(status=301, headers={"Location": "/a"}), '/odd%22%20/%0A': page("Odd"),
                  "/text": Reply("no page", type="application/zip")})
    with Server(site) as server:
        stack.seed(server.url(), depth=1)
        row = stack.wait_completed()
        assert (row.admitted, row.stored, row.skipped, row.errors) == (7, 3, 2, 2)
        # The last report of a page may come after its end.
        wait_until(lambda: not any(stack.depths().values()) and all(metrics(p)["gistmill_in_hand"][""] == 0 for p in ports.values()),
                   20, "nothing under way")
    for name, program in programs.items():
        check_log(program)
        found = metrics(ports[name])
        outcomes = program.log_lines(event="outcome")
        counted = collections.Counter(line["reason"].partition(":")[0] for line in outcomes)
        assert {labels: int(value) for labels, value in found["gistmill_outcomes_total"].items()} == \
            {f'stage="{name}",code="{code}"': count for code, count in counted.items()}
        if name != "writer":  # whose messages may carry several records
            assert found["gistmill_deliveries_total"][""] == len(outcomes) == found["gistmill_acks_total"][""]
        assert found["gistmill_ready"][""] == 1 and found["gistmill_suspended"][""] == 0 and found["gistmill_unsettled"][""] == 0
        assert found["gistmill_published_total"][""] == found["gistmill_confirms_total"][""]
        assert 1e6 < found["process_resident_memory_bytes"][""] < 2e9 and found["process_cpu_seconds_total"][""] > 0
        assert [get(ports[name], path)[::2] for path in ("/healthz", "/readyz")] == [(200, "ok\n"), (200, "ready\n")]
    check_closing(programs["writer"].log_lines(event="completed"), stack, server)
    fetched = programs["fetcher"].log_lines(event="outcome", url=server.url("/fails"))
    assert [(line["attempt"], line["verdict"], line["reason"]) for line in fetched] == \
        [(attempt, "retry", "HTTP_5XX: status 500") for attempt in "12"]


def check_log(program):
    """Every line is one of ours; outcome lines have their keys in order, a job and a time."""
    with open(program.log, encoding="utf-8") as f:
        for line in f:
            match = LINE.fullmatch(line)
            assert match and match[2] == program.name, line
            if not match[3].startswith("outcome "):
                continue
            assert re.findall(r'(\w+)=(?:"(?:[^"\\]|\\.)*"|[^ "]*)', match[3]) == KEYS, line
            fields = parse_line(line)
            assert re.fullmatch(r"\d+\.\d+", fields["job"]) and fields["ms"].isdigit() and fields["attempt"].isdigit()
            assert fields["stage"] == program.name and fields["verdict"] in ("done", "retry", "reject")


def check_closing(lines, stack, server):
    assert len(lines) == 1
    line = lines[0]
    row = stack.crawl()
    assert {key: line[key] for key in line if key not in ("time", "level", "program", "event", "ms")} == {
        "crawl": str(row.id), "seed": server.url(), "run": "1", "admitted": "7", "stored": "3", "skipped": "2", "errors": "2",
        "added": "3", "changed": "0", "unchanged": "0", "gone": "0", "failed": "2", "cancelled": "0"}
    assert 0 <= int(line["ms"]) < 60_000


def test_status_server(make_stack):
    """Nothing but three paths; clients that behave badly harm nobody."""
    stack = make_stack()
    port = Port()
    program = stack.start("fetcher", METRICS_ADDR=f"127.0.0.1:{port}")
    assert get(port, "/")[0] == get(port, "/metricsx")[0] == 404
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", data=b"x", timeout=30)
    with contextlib.ExitStack() as clients:
        for _ in range(10):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", int(port))))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x")  # and no more
        assert get(port, "/healthz")[0] == 200
        with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as client:
            client.sendall(b"\x16\x03\x01garbage\r\n\r\n" + b"x" * 100_000)
            with contextlib.suppress(OSError):
                client.recv(1000)
        assert readyz(port) == (200, "ready") and program.alive()


# Services that come late, or go away ---------------------------------------------------------------------------------------

@pytest.fixture
def own(request, run_dir, bin_dir, numbers):
    """A stack with broker and database of its own; the broker not started yet, the database made and stopped again."""
    number = next(numbers)
    broker = database = None
    try:
        broker = Broker(run_dir.subdir(f"own-rabbitmq-{number}"))
        database = Database(run_dir.subdir(f"own-postgres-{number}"))
        database.start().ready()
        services = types.SimpleNamespace(broker=broker, database=database)
        broker.process = types.SimpleNamespace(alive=lambda: False)
        stack = Stack(services, bin_dir, run_dir.subdir(f"t{number}"), f"t{number}", QUICK | {"ATTEMPTS": "100", "RETRY_BACKOFF_MAX": "1s"}, template="template0")
        request.node.gistmill_logs = [stack.logs, broker.logs, database.logs]
        database.stop()
        with contextlib.closing(stack):
            yield stack
    finally:
        for service in (broker, database):
            if service is not None and not isinstance(service.process, types.SimpleNamespace):
                service.close()


def test_services_come_late_and_go_away(own, long):
    """Programs first, then the database, then the broker; later both vanish for a while, alone and together."""
    ports = {name: Port() for name in PROGRAMS}
    programs = {name: own.start(name, wait=False, METRICS_ADDR=f"127.0.0.1:{port}") for name, port in ports.items()}
    wait_states(ports, lambda name: "waiting for the database" if name == "writer" else "waiting for the broker")
    assert all(get(port, "/healthz")[0] == 200 for port in ports.values())
    own.database.start().ready()
    wait_states(ports, lambda name: "waiting for the broker")
    assert not any(ready_byte(program) for program in programs.values())  # --ready-fd is not told either
    own.broker.start().ready()
    for program in programs.values():
        program.wait_ready()
    wait_states(ports, lambda name: "ready")

    site = Synthetic(300 if long else 120, 6, words=92)
    with Server(lambda request: Reply(status=500) if request.path == "/9" else site(request)) as server:
        own.seed(server.url("/0"), depth=20, limit=10_000)
        wait_until(lambda: own.crawl() and own.crawl().stored > 10, 30, "under way")
        for stops, starts in disturbances(own, long):
            for stop in stops:
                stop()
            wait_until(lambda: all(readyz(port)[0] == 503 for name, port in ports.items() if touched(stops, own, name)), 30,
                       lambda: str({name: readyz(port) for name, port in ports.items()}))
            for start in starts:
                start().ready()
            wait_states(ports, lambda name: "ready")
        assert own.crawl().state == "running"
        server.sites[None] = site  # nor does the page fail any more that kept it open
        row = own.wait_completed(deadline=60)
        assert (row.admitted, row.stored) == (site.pages, site.pages), row
        assert own.books() == [] and own.depths()["dead"] == 0
    assert [program.status() for program in programs.values()] == [None] * 4
    assert not [line for program in programs.values() for line in program.log_lines(level="error")]


def disturbances(own, long):
    broker, database = own.broker, own.database
    yield [database.stop], [database.start]
    if long:
        yield [broker.stop], [broker.start]
        yield [database.kill9], [database.start]
    yield [broker.kill9, database.kill9], [database.start, broker.start]


def touched(stops, own, name):
    return name == "writer" or any(stop.__self__ is own.broker for stop in stops)


def wait_states(ports, wanted):
    wait_until(lambda: all(readyz(port)[1] == wanted(name) for name, port in ports.items()), 60,
               lambda: str({name: readyz(port) for name, port in ports.items()}))


def ready_byte(program):
    return bool(select.select([program._ready_fd], [], [], 0)[0])


def test_a_newer_schema_is_left_alone(make_stack):
    """A database made by a newer version: the writer waits and says why."""
    stack = make_stack()
    stack.query("insert into schema_version (version, name) values (999, 'future')")
    port = Port()
    writer = stack.start("writer", wait=False, METRICS_ADDR=f"127.0.0.1:{port}")
    wait_until(lambda: readyz(port) == (503, "waiting for the database"), 20, "not ready")
    wait_until(lambda: writer.log_lines(level="error"), 20, "it says why")
    assert "schema version 999" in writer.log_lines(level="error")[0]["msg"]
    stack.query("delete from schema_version where version = 999")
    writer.wait_ready()


# Signals ------------------------------------------------------------------------------------------------------------------

def test_sigterm_drains(make_stack, long):
    """Each program is asked to end in the middle of a crawl, again and again: exit status 0, nothing lost, nothing twice."""
    rounds = 5 if long else 1
    site = Synthetic(400 if long else 150, 6, words=92)
    with FakeLLM(mode="ok", delay=0.05) as llm, Server(lambda request: Reply(site(request), after=0.05) if site(request) else None) as server:
        stack = make_stack(OPENAI_BASE_URL=llm.url, SUMMARY_MODEL="fake", SUMMARY_ENGINE="llm")
        stack.start_all()
        stack.seed(server.url("/0"), depth=20, limit=10_000)
        for number in range(rounds):
            for i, name in enumerate(PROGRAMS):
                wanted = (number * len(PROGRAMS) + i + 1) * site.pages // (rounds * len(PROGRAMS) + 2)
                wait_until(lambda n=wanted: (stack.crawl() or types.SimpleNamespace(stored=0)).stored >= n, 60, f"{wanted} stored")
                program = stack.running(name)[0]
                assert program.terminate(30) == 0, name
                assert program.log_lines(msg="stopped") and descendants(program.pid) == []
                stack.restart(program)
        row = stack.wait_completed()
        assert row.stored == row.admitted == site.pages and stack.books() == []
        assert not server.twice(robots=False)
        assert len(llm.requests) == site.pages  # nor paid twice
        assert set(stack.stop_all().values()) == {0} and stack.depths()["dead"] == 0


def test_the_second_sigterm_ends_at_once(make_stack):
    """With something in hand that does not end, and in the middle of a call that does not return. Children go, too."""
    with Server(Pages({"/late": Reply("late", after=3600), "/page": page("Page")})) as server:
        stack = make_stack(FETCH_TIMEOUT="5m", FETCH_FIRST_BYTE_TIMEOUT="5m")
        writer = stack.start("writer")
        fetcher, parser = stack.start("fetcher"), stack.start("parser")
        for child in descendants(parser.pid):
            os.kill(child.pid, signal.SIGSTOP)
        stack.seed(server.url("/page") + "\n" + server.url("/late"))
        wait_until(lambda: server.hits("/late") and fetcher.log_lines(url=server.url("/page"), verdict="done") and
                   stack.depths()["html"] == 0, 20, "each has a page in hand")
        ends_at_second(fetcher)
        ends_at_second(parser)
        with stack.database.connect(stack.name) as connection, connection.cursor() as cursor:
            cursor.execute("begin; lock table crawl in access exclusive mode")
            stack.seed(server.url("/more"))
            wait_until(lambda: stuck(stack), 20, "the writer is in a statement that does not end")
            ends_at_second(writer, says=False)


def ends_at_second(program, says=True):
    family = descendants(program.pid)
    program.send(signal.SIGTERM)
    if says:
        wait_until(lambda: [line for line in program.log_lines() if line.get("msg", "").startswith("stopping")], 20, "it is stopping")
    wait_until(lambda: not pending(program), 20, "the signal is taken")  # or both would be one
    program.send(signal.SIGTERM)
    assert program.wait(20) == 1
    wait_until(lambda: not any(child.alive() for child in family), 20, "its children are gone")


def pending(program):
    with open(f"/proc/{program.pid}/status", encoding="ascii") as f:
        return int(re.search(r"^ShdPnd:\s*(\S+)", f.read(), re.M)[1], 16)


def stuck(stack):
    """A program waits for a lock."""
    return stack.value("select count(*) from pg_stat_activity where datname = %s and wait_event_type = 'Lock'", stack.name)


# Without a broker ---------------------------------------------------------------------------------------------------------

def test_fetcher_once(run):
    with Server(Pages({"/": page("Home"), "/moved": Reply(status=302, headers={"Location": "/"})})) as server:
        done = run("fetcher", "--once", server.url("/"), FETCH_ALLOW_NETWORKS="127.0.0.0/8")
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        assert done.returncode == 0 and head.startswith(b"HTTP/1.1 200 OK\r\n") and body == page("Home")
        assert done.stderr.startswith(b"done OK status=200 bytes=")
        done = run("fetcher", "--once", server.url("/moved"), FETCH_ALLOW_NETWORKS="127.0.0.0/8")
        assert done.returncode == 1 and f"location={server.url('/')}".encode() in done.stderr
        assert len(server.log) == 2  # redirects are not followed
        done = run("fetcher", "--once", server.url("/"))
        assert done.returncode == 1 and b"ADDRESS_BLOCKED" in done.stderr and len(server.log) == 2
    for url in ("nonsense", "ftp://127.0.0.1/"):
        done = run("fetcher", "--once", url)
        assert (done.returncode, done.stdout) == (1, b"") and b"BAD_URL" in done.stderr
    assert run("fetcher", "--once").returncode == 100


ARTICLE = page("A title of its own", links=["/below?b=1&utm_source=x", "other.html#part", "mailto:x@y"], words=400,
               head='<meta name="author" content="Ada Writer"><meta property="article:published_time" content="2024-05-06T07:08:09Z">'
                    '<meta property="og:site_name" content="The Site"><meta name="description" content="What it is about.">')


def test_parser_once(run):
    done = run("parser", "--once", "--url", "https://example.org/dir/page.html", "--content-type", "text/html; charset=utf-8", stdin=ARTICLE)
    assert done.returncode == 0 and done.stdout.count(b"\n") == 1, done.stderr
    found = json.loads(done.stdout)
    assert {"text", "markdown", "title", "author", "date", "lang", "site", "excerpt", "links"} <= found.keys()
    assert (found["title"], found["author"], found["lang"], found["site"]) == ("A title of its own", "Ada Writer", "en", "The Site")
    assert found["date"].startswith("2024-05-06") and found["excerpt"] == "What it is about."
    assert {"https://example.org/below?b=1", "https://example.org/dir/other.html"} <= set(found["links"])
    blocks = found["text"].split("\n\n")
    assert len(blocks) >= 4 and all(block.strip() == block and "\n" not in block and "<" not in block for block in blocks)
    assert blocks[-1] in found["markdown"]
    # The header says more than the page: latin-1 by header, without a URL, from a pipe.
    done = run("parser", "--once", "--content-type", "text/html; charset=iso-8859-1", stdin=ARTICLE.replace(b"A title of", b"Caf\xe9 of"))
    assert json.loads(done.stdout)["title"] == "Caf\u00e9 of its own"
    # No article is a result as well.
    done = run("parser", "--once", stdin=b"<p>short")
    assert done.returncode == 0 and json.loads(done.stdout)["code"] == "NO_ARTICLE"
    for arguments in (("--once", "--url"), ("--once", "--url", "nonsense"), ("--once", "--what"), ("--batch",)):
        assert run("parser", *arguments, stdin=ARTICLE).returncode == 100, arguments


def test_parser_batch(run, tmp_path):
    (tmp_path / "a.html").write_bytes(ARTICLE)
    (tmp_path / "b.html").write_bytes(b"<p>short")
    (tmp_path / "c.html").write_bytes(b"")
    done = run("parser", "--batch", str(tmp_path))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [(row["file"], row["code"]) for row in rows] == \
        [("a.html", "OK"), ("b.html", "NO_ARTICLE"), ("c.html", "NO_ARTICLE")]
    assert rows[0]["title"] == "A title of its own"
    assert run("parser", "--batch", str(tmp_path / "none")).returncode == 1


def test_summarizer_once(run):
    text = "\n\n".join(article("summarizer", 600)).encode()
    done = run("summarizer", "--once", stdin=text)
    assert done.returncode == 0 and done.stdout.count(b"\n") == 1, done.stderr
    found = json.loads(done.stdout)
    sentences = found["summary"].split("\n")
    assert found["engine"] == "extractive" and len(sentences) == 3
    assert all(sentence.encode() in text for sentence in sentences)
    assert json.loads(run("summarizer", "--once", stdin=text).stdout) == found
    found = json.loads(run("summarizer", "--once", "--sentences", "1", "--title", "The harbour", stdin=text).stdout)
    assert found["summary"].encode() in text and "\n" not in found["summary"]
    for odd in (b"", b" \n\n ", b"\xff\0" * 1000, b"word", b"No end. " * 200_000):
        done = run("summarizer", "--once", stdin=odd)
        assert done.returncode == 0 and isinstance(json.loads(done.stdout)["summary"], str), odd[:10]
    assert run("summarizer", "--once", "--sentences", "0", stdin=text).returncode == 100
    with FakeLLM(mode="ok") as llm:
        found = json.loads(run("summarizer", "--once", stdin=text, OPENAI_BASE_URL=llm.url, SUMMARY_MODEL="fake").stdout)
        assert (found["engine"], found["model"]) == ("llm", "fake")
        llm.mode = "500"
        found = json.loads(run("summarizer", "--once", stdin=text, OPENAI_BASE_URL=llm.url, SUMMARY_MODEL="fake").stdout)
        assert (found["engine"], found["reason"], len(found["summary"].split("\n"))) == ("extractive", "MODEL_UNAVAILABLE", 3)


def test_writer_migrate(run, services, numbers):
    name = f"t{next(numbers)}"
    services.database.create(name)
    try:
        env = {"DATABASE_URL": services.database.url(name, tcp=True)}
        done = run("writer", "--migrate", **env)
        assert done.returncode == 0 and re.fullmatch(rb"schema is up to date, [1-9]\d* migrations? applied\n", done.stdout), done.stderr
        versions = services.database.query(name, "select * from schema_version")
        done = run("writer", "--migrate", **env)
        assert (done.returncode, done.stdout) == (0, b"schema is up to date, 0 migrations applied\n")
        assert services.database.query(name, "select * from schema_version") == versions
        services.database.query(name, "insert into schema_version (version, name) values (999, 'future')")
        done = run("writer", "--migrate", **env)
        assert done.returncode == 111 and done.stdout == b"" and b"schema version 999" in done.stderr
    finally:
        services.database.drop(name)
    done = run("writer", "--migrate", **NOWHERE)
    assert done.returncode == 111 and b"Connection refused" in done.stderr and b"secret-word" not in done.stderr


def test_writers_that_migrate_together_wait_for_one(bin_dir, run_dir, services, numbers):
    name = f"t{next(numbers)}"
    services.database.create(name)
    try:
        log = new_log(os.path.join(run_dir.path, f"{name}-migrate.log"))
        env = base_env(run_dir.path) | {"DATABASE_URL": services.database.url(name)}
        started = [Process("writer --migrate", [os.path.join(bin_dir, "writer"), "--migrate"], env, log) for _ in range(6)]
        assert [process.wait(30) for process in started] == [0] * 6, tail(log)
        with open(log, encoding="utf-8") as f:
            said = [line for line in f if line.startswith("schema is up to date")]
        assert len(said) == 6 and sum(" 0 migrations" in line for line in said) == 5
    finally:
        services.database.drop(name)
