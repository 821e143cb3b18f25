"""gistmill against a gateway that fails in every way."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata

import pytest

from support.fake_gateway import FakeGateway, answer, crawl, error, event, page, raw, stream
from support.program import build_dir

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GISTMILL = os.path.join(build_dir(), "gistmill")
EVIL = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202egnp.exe\u202c \u2066x\x08\x7f end"
STATUS = {"version": "0.1.0", "database": "ok", "processes": [], "queues": [], "model": None, "disk": {"databaseBytes": 10**9}}


@pytest.fixture
def fake():
    with FakeGateway() as made:
        yield made


def environment(gateway, **env):
    sanitizer = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "GISTMILL_URL": gateway.url} | sanitizer | env


def run(gateway, *arguments, stdin="", status=None, **env):
    done = subprocess.run([GISTMILL, *arguments], input=stdin, env=environment(gateway, **env), capture_output=True, text=True, timeout=180, check=False)
    if status is not None:
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


class Terminal:
    """The program on a terminal of a size of its own."""

    def __init__(self, gateway, *arguments, columns=80, **env):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen([GISTMILL, *arguments], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        env=environment(gateway, TERM="xterm-256color", **env))
        os.close(slave)
        self.bytes = b""

    def until(self, condition, deadline=60.0):
        """Reads until condition(text) or the end."""
        end = time.monotonic() + deadline
        while condition is None or not condition(self.text):
            left = end - time.monotonic()
            assert left > 0, f"not within its time: {self.text!r}"
            if not select.select([self.master], [], [], left)[0]:
                continue
            try:
                more = os.read(self.master, 65536)
            except OSError:
                more = b""
            if not more:
                break
            self.bytes += more
        return self.text

    @property
    def text(self):
        return self.bytes.decode("utf-8", "replace")

    def end(self):
        text = self.until(None)
        return text, self.process.wait(60)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()


def screen(text, columns=80, rows=200):
    """What a terminal shows in the end, of the few sequences that gistmill writes; any other one fails."""
    lines, row, column = [[" "] * columns for _ in range(rows)], 0, 0
    for token in re.finditer(r"\x1b\[(\d*)([A-Za-z])|\r|\n|(.)", text, re.S):
        if token[0] == "\r":
            column = 0
        elif token[0] == "\n":
            row += 1
        elif token[2]:
            assert token[2] in "mAJ", f"a sequence that gistmill does not write: {token[0]!r}"
            row -= int(token[1] or 1) if token[2] == "A" else 0
            if token[2] == "J":
                lines[row][column:] = [" "] * (columns - column)
                lines[row + 1:] = [[" "] * columns for _ in lines[row + 1:]]
        else:
            assert column < columns, f"a line of more than {columns} columns"
            lines[row][column] = token[3]
            column += 1
    return [line for line in ("".join(line).rstrip() for line in lines) if line]


def harmless(text, allowed=""):
    return [hex(ord(c)) for c in text if c not in allowed and (unicodedata.category(c) == "Cc" and c not in "\n" or c in "\u202e\u202c\u2066\u2069")] == []


# ---- arguments and answers -----------------------------------------------------------------------------------------------

def test_unreachable():
    gateway = FakeGateway()
    gateway.start()
    gateway.stop()
    done = run(gateway, "status", status=3)
    assert "cannot be reached" in done.stderr and done.stdout == ""
    done = run(gateway, "status", "--json", status=3)
    assert json.loads(done.stdout)["code"] == "UNREACHABLE"
    run(gateway, "watch", "3", status=3)
    run(gateway, "doctor", status=3)


@pytest.mark.parametrize("arguments", [(), ("fly",), ("crawl",), ("pages", "3", "--limit", "0"), ("summary", "http://x/", "--force"), ("delete", "3"),
                                       ("add",), ("add", "ftp://x/"), ("add", "-f", "/no/such/file"), ("crawl", "a", "b", "--idempotency-key", "k")])
def test_usage(fake, arguments):
    done = run(fake, *arguments, status=2)
    assert done.stderr and fake.requests == []


@pytest.mark.parametrize("env", [{"GISTMILL_URL": "ftp://x"}, {"GISTMILL_URL": "http://x/?q"}, {"GISTMILL_KEY": "a b"}, {"GISTMILL_KEY": "a\nX: y"},
                                 {"GISTMILL_KEY": "a", "GISTMILL_KEY_FILE": "/dev/null"}, {"GISTMILL_TIMEOUT": "soon"}])
def test_bad_configuration(fake, env):
    run(fake, "status", status=2, **env)
    assert fake.requests == []


@pytest.mark.parametrize("status, code, exit_status", [
    (400, "BAD_REQUEST", 2), (401, "UNAUTHORIZED", 5), (403, "FORBIDDEN_HOST", 5), (404, "UNKNOWN", 4), (405, "METHOD", 1), (409, "CONFLICT", 1),
    (413, "TOO_LARGE", 2), (500, "INTERNAL", 1), (502, "BAD_GATEWAY", 3), (504, "TIMEOUT", 3)])
def test_errors(fake, status, code, exit_status):
    fake.on("POST", "/v1/crawl/3/pause", error(status, code, f"words of it {EVIL}", field="depth"))
    done = run(fake, "pause", "3", status=exit_status)
    assert "words of it" in done.stderr and "depth" in done.stderr and harmless(done.stderr)
    done = run(fake, "pause", "3", "--json", status=exit_status)
    assert json.loads(done.stdout)["code"] == code and harmless(done.stdout)


def test_key(fake, tmp_path):
    fake.on("GET", "/v1/crawl", {"success": True, "data": []})
    fake.on("GET", "/v1/status", {"success": True, "data": STATUS})
    (tmp_path / "key").write_text("gm_secret\n", encoding="ascii")
    run(fake, "status", status=0)
    run(fake, "status", status=0, GISTMILL_KEY="gm_secret")
    run(fake, "status", status=0, GISTMILL_KEY_FILE=str(tmp_path / "key"))
    assert [request["headers"].get("Authorization") for request in fake.requests[::2]] == [None, "Bearer gm_secret", "Bearer gm_secret"]
    fake.on("GET", "/v1/crawl", answer(302, b"", Location="http://127.0.0.1:1/"))
    run(fake, "status", status=1, GISTMILL_KEY="gm_secret")  # the key goes nowhere else


def test_a_proxy_is_not_asked_for_this_machine(fake):
    fake.on("GET", "/v1/status", {"success": True, "data": STATUS})
    run(fake, "doctor", http_proxy="http://127.0.0.1:1")
    assert fake.paths() == ["GET /v1/status"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"{", b'{"success":true}', b'{"data":7}', b'{"data":{}}', b"\xff\xfe", b"[" * 100000])
@pytest.mark.parametrize("arguments", [("status",), ("status", "3"), ("pages", "3"), ("show", "7"), ("search", "x"), ("summary", "http://x/"), ("doctor",),
                                       ("watch", "3"), ("crawl", "http://x/")])
def test_garbage(fake, arguments, body):
    """No answer of any form is worse than a message and an exit status."""
    for path in ("/v1/crawl", "/v1/crawl/3", "/v1/crawl/3/pages", "/v1/page/7", "/v1/search", "/v1/summary", "/v1/status"):
        fake.on("GET", path, answer(200, body))
    fake.on("POST", "/v1/crawl", answer(200, body))
    done = run(fake, *arguments)
    assert done.returncode in (1, 3) or (body == b'{"data":{}}' and arguments[0] in ("status", "show", "doctor")), done


@pytest.mark.parametrize("send, words", [
    (raw(), "broke off"),
    (raw(b"garbage\r\n\r\n"), "not HTTP"),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"success\""), "broke off"),
    (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":"), "broke off"),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "no JSON"),
    (raw(b"HTTP/1.1 200 OK\r\n\r\n", *[b" " * (1 << 20)] * 70), "larger"),
])
def test_broken_answers(fake, send, words):
    fake.on("GET", "/v1/status", send)
    done = run(fake, "doctor")
    assert done.returncode in (1, 3) and words in done.stderr, done


def test_silence(fake):
    quiet = threading.Event()
    fake.on("GET", "/v1/status", raw(b"HTTP/1.1 200 OK\r\n", lambda: quiet.wait(90)))
    done = run(fake, "doctor", status=3, GISTMILL_TIMEOUT="300ms")
    quiet.set()
    assert "does not answer" in done.stderr


def test_patience(fake):
    """503 and 429 with Retry-After: the same request again, with the same key, so that one crawl is made."""
    busy = answer(503, {"success": False, "code": "UNAVAILABLE", "error": "the database is away"}, retry_after=1)
    fake.on("POST", "/v1/crawl", busy, answer(429, {"success": False, "code": "RATE_LIMITED", "error": "slow down"}, retry_after=0),
            {"success": True, "id": "an-id"})
    done = run(fake, "crawl", "http://x/", status=0)
    assert done.stdout == "an-id\n" and "the database is away; again in 1.0 s" in done.stderr
    keys = {request["headers"]["Idempotency-Key"] for request in fake.requests}
    assert len(fake.requests) == 3 and len(keys) == 1
    fake.on("GET", "/v1/status", answer(503, {"success": False, "code": "UNAVAILABLE", "error": "x"}, retry_after=3600))
    run(fake, "doctor", status=3)  # not for an hour
    fake.on("POST", "/v1/crawl/3/recrawl", busy)
    run(fake, "recrawl", "3", status=3)
    assert fake.paths().count("POST /v1/crawl/3/recrawl") == 1  # it may have been done


# ---- crawl, add ----------------------------------------------------------------------------------------------------------

def test_crawl_fields(fake):
    fake.on("POST", "/v1/crawl", {"success": True, "id": "an-id"})
    run(fake, "crawl", "https://a/[1-3]", "--depth", "2", "-n", "500", "--scope", "domain", "--prefix", "/a", "-i", "x", "-i", "y", "-x", "z", "--match",
        "url", "--preset", "wiki", "--per-host", "7", "--priority", "-5", "--sitemap", "only", "--feeds", "--no-guards", "--ignore-noindex",
        "--ignore-nofollow", "--idempotency-key", "mine", status=0)
    assert fake.bodies() == [{"url": "https://a/[1-3]", "depth": 2, "limit": 500, "scope": "domain", "prefix": "/a", "include": ["x", "y"],
                              "exclude": ["z"], "match": "url", "preset": "wiki", "per_host": 7, "priority": -5, "sitemap": "only", "feeds": True,
                              "guards": False, "ignoreNoindex": True, "ignoreNofollow": True}]
    request = fake.requests[0]
    assert request["headers"]["Idempotency-Key"] == "mine" and request["headers"]["Content-Type"] == "application/json"


def test_crawls(fake):
    """Each URL is a crawl."""
    fake.on("POST", "/v1/crawl", {"success": True, "id": "one"}, {"success": True, "id": f"two{EVIL}"})
    done = run(fake, "crawl", "https://a/", "https://b/", status=0)
    assert done.stdout.split("\n")[0] == "one" and done.stdout.split("\n")[1].startswith("two[31m") and harmless(done.stdout)
    assert fake.bodies() == [{"url": "https://a/"}, {"url": "https://b/"}]


def test_add(fake, tmp_path):
    fake.on("POST", "/v1/inbox", {"success": True, "id": "x"})
    lines = [f"https://a/{n}" for n in range(2500)]
    (tmp_path / "list").write_text("\ufeff# a list\n\n" + "\r\n".join(lines), encoding="utf-8")
    assert run(fake, "add", "https://b/", "-f", str(tmp_path / "list"), status=0).stdout == "2501 URLs added\n"
    assert [len(body["urls"]) for body in fake.bodies()] == [1000, 1000, 501]
    assert [url for body in fake.bodies() for url in body["urls"]] == ["https://b/", *lines]
    fake.requests.clear()
    assert run(fake, "add", "--file", "-", stdin="https://a/1\n", status=0).stdout == "1 URL added\n"
    run(fake, "add", "--express", "https://a/2", status=0)
    assert fake.bodies() == [{"urls": ["https://a/1"]}, {"urls": ["https://a/2"], "express": True}]
    fake.on("POST", "/v1/inbox", {"success": True, "id": "x"}, error(400, "BAD_REQUEST", "urls[3]: not a URL", field="urls[3]"))
    done = run(fake, "add", "-f", str(tmp_path / "list"), status=2)
    assert "1000 URLs before that were added" in done.stderr
    done = run(fake, "add", "-f", "-", stdin="https://a/\n" + "x" * 9000 + "\n", status=2)
    assert "line 2 is too long" in done.stderr
    done = run(fake, "add", "-f", "-", stdin="https://a/\nwhat\n", status=2)
    assert "no http or https URL: what" in done.stderr


# ---- watching ------------------------------------------------------------------------------------------------------------

def test_wait_outcomes(fake):
    for state, error_pages, arguments, status in (("completed", 0, (), 0), ("completed", 2, (), 0), ("completed", 2, ("--strict",), 1),
                                                  ("completed", 7, (), 1), ("cancelled", 0, (), 1), ("failed", 0, (), 1)):
        stored = 0 if error_pages == 7 else 5
        fake.on("GET", "/v1/crawl/3", {"success": True, "data": crawl(state=state, admitted=7, stored=stored, error=error_pages)})
        done = run(fake, "wait", "3", *arguments, status=status)
        assert done.stdout.startswith(state) and "1 min 12 s" in done.stdout
        data = json.loads(run(fake, "wait", "3", *arguments, "--json", status=status).stdout)
        assert data["state"] == state
    run(fake, "wait", "4", status=4)


def watched(fake, *streams):
    """A crawl that runs, with these streams of events."""
    fake.on("GET", "/v1/crawl/3", {"success": True, "data": crawl(admitted=10)})
    fake.on("GET", "/v1/crawl/3/events", *streams)


def test_cut_streams_go_on(fake):
    """However a connection breaks, no event is lost and none comes twice; what broke in the middle is asked for again."""
    whole = [event("page", page(n), n) for n in range(1, 6)]
    watched(fake, stream(event("start", crawl(admitted=5), 0), whole[0], whole[1][:40]),
            stream(whole[1], b": alive\n\n", whole[2][:-1]), stream(*whole[2:]),
            stream(event("progress", crawl(admitted=5, stored=5), 6), event("done", crawl(state="completed", admitted=5, stored=5), 7)))
    done = run(fake, "watch", "3", "--json", status=0)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["data"]["id"] for one in events if one["event"] == "page"] == ["1", "2", "3", "4", "5"]
    assert events[-1]["event"] == "done" and events[-1]["data"]["state"] == "completed"
    assert [request["headers"].get("Last-Event-ID") for request in fake.requests if request["path"].endswith("/events")] == [
        None, "1", "2", "5"]


@pytest.mark.parametrize("send", [error(404, "UNKNOWN", "no such path"), error(405, "METHOD", "no"), error(500, "INTERNAL", "x"), answer(200, b"<html>"),
                                  raw(), stream(), stream(b"garbage\n\n\xff\n\n"), stream(b"event: done\ndata: {}\n\n"),
                                  stream(b"event: progress\ndata: not json\n\n")])
def test_no_events(fake, send):
    """Then it asks."""
    running, done = ({"success": True, "data": crawl(state=state, admitted=5, stored=5)} for state in ("running", "completed"))
    fake.on("GET", "/v1/crawl/3", running, running, done)
    fake.on("GET", "/v1/crawl/3/events", send)
    assert run(fake, "watch", "3", status=0).stdout == "completed in 1 min 12 s: 5 stored\n"


def test_events_without_an_end(fake):
    """Streams that always break, and never say `done`."""
    running, done = ({"success": True, "data": crawl(state=state, admitted=5, stored=5)} for state in ("running", "completed"))
    fake.on("GET", "/v1/crawl/3", running, done)
    fake.on("GET", "/v1/crawl/3/events", stream(event("progress", crawl(admitted=5, stored=5))))
    assert run(fake, "watch", "3", status=0).stdout == "completed in 1 min 12 s: 5 stored\n"
    assert fake.paths().count("GET /v1/crawl/3/events") == 3


def test_the_gateway_restarts(fake):
    stopped = threading.Event()

    def stop():
        threading.Thread(target=lambda: (fake.stop(), stopped.set())).start()
        stopped.wait(30)

    watched(fake, stream(event("start", crawl(admitted=5), 1), stop), stream(event("done", crawl(state="completed", admitted=5, stored=5), 2)))
    with subprocess.Popen([GISTMILL, "watch", "3"], env=environment(fake), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert stopped.wait(60)
        fake.start()
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and out.startswith("completed")
    assert [request["headers"].get("Last-Event-ID") for request in fake.requests if request["path"].endswith("/events")][-1] == "1"


def test_lines_without_a_terminal(fake):
    watched(fake, stream(event("start", crawl(admitted=10, why=f"polite {EVIL}"), 1),
                         event("done", crawl(state="completed", admitted=10, stored=9, error=1), 2)))
    done = run(fake, "watch", "3", status=0)
    assert done.stderr.startswith("running 0/10 0%, 0 stored, 0 skipped, 0 failed, 8.2/s, about 24 s left") and harmless(done.stderr)
    assert "why 1 failed: gistmill pages 3 --state error" in done.stderr
    assert done.stdout == "completed in 1 min 12 s: 9 stored, 1 failed\n"


def test_each_page(fake):
    watched(fake, stream(event("page", page(1, title=EVIL, url=f"https://example.org/{EVIL}"), 1), event("page", page(2, state="error", code="HTTP_5XX"), 2),
                         event("done", crawl(state="completed", admitted=2, stored=1, error=1), 3)))
    done = run(fake, "watch", "3", "--each", status=0)
    assert "stored" in done.stderr and "error     HTTP_5XX         https://example.org/2\n" in done.stderr and harmless(done.stderr)


@pytest.mark.parametrize("how, status", [("timeout", 124), ("interrupt", 130)])
def test_leaving(fake, how, status):
    begun, ended = threading.Event(), threading.Event()
    watched(fake, stream(event("start", crawl(admitted=10), 1), begun.set, lambda: ended.wait(90)))
    arguments = ["watch", "3", "--timeout", "3s" if how == "timeout" else "1h"]
    with subprocess.Popen([GISTMILL, *arguments], env=environment(fake), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert begun.wait(60)
        if how == "interrupt":
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    ended.set()
    assert process.returncode == status and "the crawl goes on" in err and "gistmill watch 3" in err
    assert all(request["method"] == "GET" for request in fake.requests)


def test_huge_events(fake):
    """An event beyond any sense is left out, and memory stays small."""
    watched(fake, stream(event("start", crawl(admitted=10), 1), b"event: page\nid: 2\ndata: ", *[b"x" * (1 << 20)] * 50, b"\n\n",
                         event("done", crawl(state="completed", admitted=1, stored=1), 3)))
    limit = [] if os.environ.get("GM_SANITIZER") else ["prlimit", f"--data={48 << 20}"]
    done = subprocess.run([*limit, GISTMILL, "watch", "3"], env=environment(fake), check=False, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0 and done.stdout.startswith("completed"), done


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_bar(fake, columns):
    pause, drawn = threading.Event(), threading.Event()
    why = "polite: next request to a-host-with-a-rather-long-name.example.org in 0.8 s " + "and so on " * 20
    watched(fake, stream(event("start", crawl(admitted=512, stored=280, skipped=4, error=28, why=why), 1), lambda: pause.wait(60),
                         event("progress", crawl(admitted=512, stored=400, skipped=4, error=28), 2), lambda: drawn.wait(60),
                         event("done", crawl(state="completed", admitted=512, stored=480, skipped=4, error=28), 3)))
    with Terminal(fake, "watch", "3", columns=columns) as terminal:
        terminal.until(lambda text: "312/512" in text and "polite" in text)
        shown = screen(terminal.text, columns)
        assert len(shown) == 2 and shown[1].startswith("polite: next request to") and shown[1].endswith("…")
        pause.set()
        terminal.until(lambda text: "432/512" in text)
        drawn.set()
        text, status = terminal.end()
        shown = screen(text, columns, rows=40)
    assert status == 0 and shown[0].startswith("completed ━") and "512/512" in shown[0] and shown[1].startswith("completed in 1 min 12 s:")
    assert sum("━" in line for line in shown) == 1
    assert "\x1b[36m" in text


def test_no_colour(fake):
    watched(fake, stream(event("done", crawl(state="completed", admitted=5, stored=5), 1)))
    with Terminal(fake, "watch", "3", NO_COLOR="1") as terminal:
        text, status = terminal.end()
    assert status == 0 and "━" in text and not re.search(r"\x1b\[\d*m", text)
    with Terminal(fake, "watch", "3", LANG="C", LC_ALL="C") as terminal:
        text, status = terminal.end()
    assert status == 0 and text.isascii() and "####" in text


def test_interrupt_on_a_terminal(fake):
    ended = threading.Event()
    watched(fake, stream(event("start", crawl(admitted=10), 1), lambda: ended.wait(90)))
    with Terminal(fake, "watch", "3") as terminal:
        terminal.until(lambda text: "0/10" in text)
        terminal.process.send_signal(signal.SIGINT)
        text, status = terminal.end()
    ended.set()
    assert status == 130 and screen(text)[-1].startswith("gistmill: the crawl goes on: gistmill watch 3")


# ---- reading -------------------------------------------------------------------------------------------------------------

def test_pages(fake):
    def send(handler):
        query = fake.requests[-1]["query"]
        first = int(query.get("cursor", 0))
        count = min(int(query["limit"]), 1200 - first)
        after = first + count
        answer(200, {"success": True, "data": [page(first + n) for n in range(count)], "next": str(after) if after < 1200 else None})(handler)

    fake.on("GET", "/v1/crawl/3/pages", send)
    done = run(fake, "pages", "3", "--state", "error", "--code", "HTTP_5XX", "--q", "a b&c", status=0)
    assert done.stdout.count("\n") == 51 and "there are more" in done.stderr
    assert fake.requests[0]["query"] == {"state": "error", "code": "HTTP_5XX", "q": "a b&c", "limit": "50"}
    done = run(fake, "pages", "3", "--all", "--json", status=0)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [str(n) for n in range(1200)]
    done = run(fake, "pages", "3", "--limit", "1150", "--json", status=0)
    assert done.stdout.count("\n") == 1150


def test_a_cursor_that_stands_still(fake):
    fake.on("GET", "/v1/crawl/3/pages", {"success": True, "data": [page()], "next": "1"})
    assert run(fake, "pages", "3", "--all", "--json", status=0).stdout.count("\n") == 2
    fake.on("GET", "/v1/crawl/3/pages", {"success": True, "data": [], "next": "1"})
    assert run(fake, "pages", "3", "--all", "--json", status=0).stdout == ""


def everything_evil(fake):
    evil = page(7, title=EVIL, url=f"https://example.org/{EVIL}", code=EVIL, detail=EVIL, lang=EVIL, byline=EVIL, summary=EVIL, article=f"{EVIL}\n{EVIL}",
                markdown=f"# {EVIL}\n\n{EVIL}", attemptsLog=[{"code": EVIL, "detail": EVIL, "at": EVIL}] * 2, why=EVIL, parent=EVIL, state=EVIL, stage=EVIL)
    bad = crawl(state="failed", seed=EVIL, why=EVIL, error=EVIL, news={EVIL: 3})
    fake.on("GET", "/v1/crawl", {"success": True, "data": [bad]})
    fake.on("GET", "/v1/crawl/3", {"success": True, "data": bad})
    fake.on("GET", "/v1/crawl/3/pages", {"success": True, "data": [evil], "next": None})
    fake.on("GET", "/v1/page/7", {"success": True, "data": evil})
    fake.on("GET", "/v1/summary", {"success": True, "state": "ready", "title": EVIL, "summary": f"{EVIL}\n{EVIL}"})
    fake.on("GET", "/v1/search", {"success": True, "data": [{"page": "7", "title": EVIL, "url": EVIL, "snippet": f"a \x02{EVIL}\x03 b\x02"}]})
    fake.on("GET", "/v1/crawl/3/export", answer(200, f"# {EVIL}\n".encode("utf-8"), Content_Type="text/markdown"))
    fake.on("GET", "/v1/status", {"success": True, "data": STATUS | {
        "version": EVIL, "database": EVIL, "processes": [{"program": name, "host": EVIL, "state": EVIL, "why": EVIL, "seenAt": "2999-01-01T00:00:00Z"}
                                                        for name in ("fetcher", EVIL)],
        "queues": [{"name": EVIL, "ready": 5, "consumers": 0}], "model": {"configured": True, "engine": EVIL, "circuit": EVIL}}})
    fake.on("POST", "/v1/crawl/3/pause", {"success": True, "data": bad})


EVERY = (("status",), ("status", "3"), ("pages", "3"), ("show", "7", "--article"), ("show", "7", "--markdown"), ("summary", "http://x/"), ("search", "x"),
         ("doctor",), ("pause", "3"), ("watch", "3"), ("export", "3", "--format", "md"))


@pytest.mark.parametrize("arguments", EVERY)
def test_nothing_of_a_page_reaches_the_terminal(fake, arguments):
    everything_evil(fake)
    with Terminal(fake, *arguments) as terminal:
        text, _ = terminal.end()
    rest = re.sub(r"\x1b\[(\d?\d?m|A|J)", "", text).replace("\r", "")
    assert "31mred" in rest and harmless(rest), rest
    if arguments[0] != "export":
        done = run(fake, *arguments)
        assert harmless(done.stdout) and harmless(done.stderr)


@pytest.mark.parametrize("arguments", [arguments for arguments in EVERY if arguments[0] not in ("export",)])
def test_json(fake, arguments):
    everything_evil(fake)
    done = run(fake, *arguments, "--json")
    for line in done.stdout.splitlines():
        json.loads(line)
    assert done.stdout and harmless(done.stdout)
    if arguments == ("show", "7", "--article"):
        assert json.loads(done.stdout)["title"] == EVIL  # the same text, for programs


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("arguments", [("status",), ("status", "3"), ("pages", "3"), ("show", "7", "--article"), ("summary", "http://x/"), ("search", "x")])
def test_width(fake, arguments, columns):
    """No line is wider than the terminal; screen() sees to that."""
    everything_evil(fake)
    long = "a long text of words that goes on " * 20
    fake.on("GET", "/v1/crawl", {"success": True, "data": [crawl(seed="https://example.org/" + "x" * 300)]})
    fake.on("GET", "/v1/crawl/3/pages", {"success": True, "data": [page(12345678901, url="https://example.org/" + "x" * 300, code="ROBOTS_UNAVAILABLE")]})
    fake.on("GET", "/v1/summary", {"success": True, "state": "ready", "title": "Title", "summary": long})
    fake.on("GET", "/v1/search", {"success": True, "data": [{"page": "7", "title": "Title", "url": "http://x/", "snippet": long}]})
    fake.on("GET", "/v1/page/7", {"success": True, "data": page(7, summary=long, article=long, title="Title")})
    fake.on("GET", "/v1/crawl/3", {"success": True, "data": crawl(admitted=5)})
    with Terminal(fake, *arguments, columns=columns) as terminal:
        text, status = terminal.end()
    assert status == 0
    if arguments[0] in ("pages", "summary", "search"):
        screen(text, columns)


def test_search_marks(fake):
    fake.on("GET", "/v1/search", {"success": True, "data": [{"page": "7", "title": "T", "url": "http://x/", "snippet": "an \x02old\x03 stone \x02bridge\x03."}]})
    with Terminal(fake, "search", "old", "bridge") as terminal:
        text, _ = terminal.end()
    assert "an \x1b[1mold\x1b[0m stone \x1b[1mbridge\x1b[0m." in text
    assert fake.requests[0]["query"] == {"q": "old bridge", "limit": "10"}
    assert "\x1b" not in run(fake, "search", "old").stdout


def test_summary(fake):
    url = "http://x/?a=b&c=ü"
    cases = ((answer(200, {"success": True, "state": "ready", "summary": "It is.", "title": "T"}), 0), (answer(202, {"success": True, "state": "pending"}), 124),
             (answer(202, {"success": True, "state": "running", "stage": "fetched"}), 124),
             (answer(200, {"success": True, "state": "failed", "code": "HTTP_4XX", "detail": "404"}), 1),
             (answer(404, {"success": False, "code": "UNKNOWN", "state": "unknown", "error": "never heard of"}), 4),
             (error(400, "BAD_REQUEST", "url: no URL"), 2), (error(401, "UNAUTHORIZED", "no key"), 5))
    for send, status in cases:
        fake.on("GET", "/v1/summary", send)
        done = run(fake, "summary", url, status=status)
        assert (done.stdout == "T\nIt is.\n") == (status == 0)
        assert json.loads(run(fake, "summary", url, "--json", status=status).stdout)
    assert all(request["query"] == {"url": url} for request in fake.requests)


def test_summary_waits(fake):
    running, ready = ({"success": True, "state": state, "summary": "It is.", "title": None} for state in ("running", "ready"))
    fake.on("POST", "/v1/summary", answer(202, running), answer(202, running), ready)
    assert run(fake, "summary", "http://x/", "--wait=100s", "--force", status=0).stdout == "It is.\n"
    assert [body["force"] for body in fake.bodies()] == [True, False, False] and fake.bodies()[0]["wait"] == 60
    fake.on("POST", "/v1/summary", answer(202, running))
    fake.requests.clear()
    run(fake, "summary", "http://x/", "--wait=3s", status=124)
    assert all(body["wait"] <= 3 for body in fake.bodies()) and fake.bodies()


def test_control(fake):
    for verb in ("pause", "resume", "cancel", "recrawl"):
        fake.on("POST", f"/v1/crawl/3/{verb}", {"success": True, "data": crawl(state="paused")})
        assert "crawl 3 " in run(fake, verb, "3", status=0).stdout
    done = run(fake, "pause", "4", "3", status=4)  # the other one is paused all the same
    assert "crawl 3 paused" in done.stdout
    fake.on("POST", "/v1/crawl/3/retry-failed", {"success": True, "retried": 1234, "data": crawl()})
    assert run(fake, "retry", "3", "--code", "HTTP_5XX", status=0).stdout == "crawl 3: 1,234 pages are tried again\n"
    assert fake.requests[-1]["query"] == {"code": "HTTP_5XX"}
    fake.on("DELETE", "/v1/crawl/3", {"success": True, "status": "deleted"})
    assert run(fake, "delete", "3", "--yes", status=0).stdout == "crawl 3 deleted\n"
    assert fake.requests[-1]["query"] == {"purge": "true"}
    fake.requests.clear()
    with Terminal(fake, "delete", "3") as terminal:
        terminal.until(lambda text: "[y/N]" in text)
        os.write(terminal.master, b"\n")
        _, status = terminal.end()
    assert status == 1 and fake.requests == []


def test_a_path_is_not_left(fake):
    run(fake, "pause", "../../v1/status?x", status=4)
    assert fake.requests[0]["path"] == "/v1/crawl/..%2F..%2Fv1%2Fstatus%3Fx/pause"


# ---- export --------------------------------------------------------------------------------------------------------------

def test_export(fake, tmp_path):
    lines = b"".join(json.dumps(page(n)).encode() + b"\n" for n in range(1000))
    fake.on("GET", "/v1/crawl/3/export", answer(200, lines, Content_Type="application/x-ndjson"))
    assert run(fake, "export", "3", status=0).stdout.encode() == lines
    target = tmp_path / "pages.jsonl"
    run(fake, "export", "3", "-o", str(target), status=0)
    assert target.read_bytes() == lines and os.listdir(tmp_path) == ["pages.jsonl"]
    assert fake.requests[-1]["query"] == {"format": "jsonl"}


@pytest.mark.parametrize("send, status", [
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n"), 3),
    (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n"), 3),
    (answer(200, b'{}\n{"a":'), 3),
    (error(404, "UNKNOWN", "no such crawl"), 4),
    (answer(503, {"success": False, "code": "UNAVAILABLE", "error": "x"}), 3),
])
def test_half_an_export_is_no_file(fake, tmp_path, send, status):
    fake.on("GET", "/v1/crawl/3/export", send)
    run(fake, "export", "3", "-o", str(tmp_path / "pages"), status=status)
    assert os.listdir(tmp_path) == []
    run(fake, "export", "3", status=status)


def test_a_full_disk(fake):
    fake.on("GET", "/v1/crawl/3/export", answer(200, b"{}\n" * 100000))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([GISTMILL, "export", "3"], env=environment(fake), stdout=full, stderr=subprocess.PIPE, text=True, timeout=90, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr


# ---- doctor, help --------------------------------------------------------------------------------------------------------

def now(offset=0):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + offset))


def healthy(version, **members):
    return STATUS | {"version": version, "processes": [{"program": name, "id": name, "host": "h", "version": version, "seenAt": now(), "state": "working",
                                                        "why": None, "inHand": 3} for name in ("fetcher", "parser", "summarizer", "writer")],
                     "queues": [{"name": "url", "ready": 7, "consumers": 1}]} | members


def circuit(state, fault, **budget):
    return {"engine": "llm", "model": "m", "circuit": state, "since": now(-320), "fault": fault, "nextProbe": now(30),
            "budget": {"tokens": 940, "tokensLimit": 1000, "costUsd": 0, "costUsdLimit": None} | budget}


def test_doctor(fake):
    version = run(fake, "version", status=0).stdout.split()[1]
    fine = healthy(version)
    away = [one | {"why": "the broker is away"} if one["program"] == "parser" else one for one in fine["processes"]]
    old = [one | {"seenAt": now(-3600)} for one in fine["processes"]]
    cases = (({}, 0, "all is well"), ({"database": "away"}, 1, "PostgreSQL"), ({"queues": []}, 1, "RabbitMQ"), ({"processes": []}, 1, "no program has ever"),
             ({"processes": fine["processes"][1:]}, 1, "none is running"), ({"processes": away}, 0, "waiting: the broker is away"),
             ({"processes": old}, 1, "nobody was seen for 1 h 0 min"), ({"version": "9.9"}, 0, "use the gistmill of the gateway's version"),
             ({"queues": [{"name": "html", "ready": 5, "consumers": 0}]}, 0, "nobody takes from the queue html"),
             ({"model": {"engine": "llm", "circuit": "open"}}, 0, "it fails, the circuit is open"),
             ({"model": circuit("open", "HTTP status 401: no such key")}, 0, "OPENAI_API_KEY is missing or wrong"),
             ({"model": circuit("open", "no connection: refused")}, 0, "open, for 5 min 2"),
             ({"model": circuit("half-open", "too many requests 429")}, 0, "set SUMMARY_RPM"), ({"model": circuit("open", "what")}, 0, "s: what; asked again in "), ({"model": circuit("open", "what")}, 0, "by itself"),
             ({"model": circuit("closed", "no connection")}, 0, "m answers; today 940 of 1,000 tokens"),
             ({"model": circuit("closed", "", tokens=950)}, 0, "raise BUDGET_DAY_TOKENS"),
             ({"model": circuit("closed", "", costUsd=0.96, costUsdLimit=1)}, 0, "cost 0.96 of 1.00"),
             ({"model": {"engine": "extractive", "circuit": None}}, 0, "by the built-in engine"),
             ({"model": {"engine": "llm", "model": "m"}}, 0, "is by llm, m"),
             ({"disk": {"databaseBytes": 1, "freeBytes": 10**9, "totalBytes": 10**12}}, 1, "a full disk stops PostgreSQL"),
             ({"disk": {"databaseBytes": 1, "freeBytes": 0.9 * 10**9, "totalBytes": 10**9}}, 1, "free are 900 MB of 1.0 GB"),
             ({"disk": {"databaseBytes": 1, "freeBytes": 9 * 10**10, "totalBytes": 10**12}}, 0, "a full disk stops PostgreSQL"),
             ({"disk": {"databaseBytes": 1, "freeBytes": 2 * 10**11, "totalBytes": 10**12}}, 0, "free are 200 GB of 1.0 TB"),
             ({"disk": {"databaseBytes": 1}}, 0, "set GATEWAY_DISK_PATH"),
             ({"disk": {"path": "/nowhere", "fault": "No such file"}}, 0, "/nowhere: No such file"),
             ({"broker": {"alarm": "low on disk"}}, 1, "make room on the broker's disk"), ({"broker": {"alarm": "low on memory"}}, 0, "vm_memory_high_watermark"),
             ({"broker": {"alarm": "low on memory"}, "processes": fine["processes"][3:]}, 0, "not heard of while the broker takes no messages"))
    for members, status, words in cases:
        fake.on("GET", "/v1/status", {"success": True, "data": fine | members})
        assert words in run(fake, "doctor", status=status).stdout, members
        assert json.loads(run(fake, "doctor", "--json", status=status).stdout)["success"] == (status == 0)


def test_help_and_its_page():
    """docs/CLI.md has every command, every option and every exit status; nobody has to keep that in mind."""
    gateway = FakeGateway()
    with open(os.path.join(TOP, "docs", "CLI.md"), encoding="utf-8") as file:
        text = file.read()
    whole = run(gateway, "help", status=0).stdout
    commands = re.findall(r"^  (\w+) +\S", whole.split("options of every command")[0], re.M)
    assert len(commands) == 19
    for command in commands:
        own = run(gateway, "help", command, status=0).stdout
        assert own == run(gateway, command, "--help", status=0).stdout and "examples:" in own
        assert f"gistmill {command}" in text
        for option in re.findall(r"(--[a-z-]+)", own.split("options:")[1].split("examples:")[0]):
            assert f"`{option}" in text, f"{command} {option}"
    for number, words in re.findall(r"^ +(\d+)  (.+)$", whole.split("exit status:")[1], re.M):
        assert f"| {number} | {words} |" in text, number
    assert run(gateway, "--version", status=0).stdout == run(gateway, "version", status=0).stdout
    assert json.loads(run(gateway, "version", "--json", status=0).stdout)["version"]
