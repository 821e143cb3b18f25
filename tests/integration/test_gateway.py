"""The gateway's API: every route, hostile clients, two gateways, a database that goes away and comes back."""

import concurrent.futures
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

from support.fake_gateway import COUNTS
from support.gateway import Gateway, descriptors, send_slowly
from support.site import Pages, Reply, Server, Synthetic, page
from support.stack import tail, wait_until

AT_ONCE = 3  # seconds, less than any time after which the gateway gives something up
UNKNOWN = "00000000-1111-2222-3333-444444444444"


@pytest.fixture
def line(stack):
    """A stack with one of each program, and a gateway."""
    stack.start_all()
    return stack, Gateway(stack)


def fault(answer, status, code, field=None):
    """Checks an error's form."""
    assert answer.status == status and answer.json["success"] is False and answer.json["code"] == code, answer
    assert answer.json["error"] and answer.json["details"].get("field") == field, answer
    assert answer.headers["content-type"].startswith("application/json")


# Crawls -----------------------------------------------------------------------------------------------------------------

def test_crawl_from_asking_to_export(line):
    """A crawl is asked for, watched, its pages listed, read, searched and exported."""
    stack, gateway = line
    with Server(Synthetic(30, 6)) as site:
        answer = gateway.post("/v1/crawl", {"url": site.url("/0"), "depth": 4, "limit": 100})
        assert answer.status == 200 and answer.json["success"] and answer.json["state"] == "running", answer
        crawl = answer.json["id"]
        assert answer.headers["location"] == answer.json["url"] == f"/v1/crawl/{crawl}"
        done = gateway.wait_state(crawl, "completed")
    assert done["id"] == crawl and done["seed"] == site.url("/0") and done["depth"] == 4 and done["limit"] == 100
    assert done["counts"] == dict.fromkeys(COUNTS, 0) | {"admitted": 30, "stored": 30}
    assert done["news"]["added"] == 30 and done["percent"] == 100 and done["why"] is None and done["request"]["depth"] == 4
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", done["finishedAt"])
    assert gateway.data(f"/v1/crawl/{done['number']}") == done  # its number will do, too
    assert done["id"] in [found["id"] for found in gateway.data("/v1/crawl", state="completed")]
    assert gateway.get("/v1/crawl/active").json["crawls"] == []
    check_pages(gateway, crawl, 30)
    check_search(stack, gateway, crawl)
    check_export(gateway, crawl, 30)
    assert (done["tokens"], done["costUsd"]) == ({"prompt": 0, "cached": 0, "completion": 0}, 0)
    stack.query("insert into budget values (%s, 700, 1250, 500, 100, 200)", f"crawl {done['number']}")
    spent = gateway.data(f"/v1/crawl/{crawl}")
    assert (spent["tokens"], spent["costUsd"]) == ({"prompt": 500, "cached": 100, "completion": 200}, 0.00125)
    assert stack.books() == []


def check_pages(gateway, crawl, count):
    for sort in ("id", "-ended"):
        found, cursor = [], ""
        while cursor is not None:
            answer = gateway.get(f"/v1/crawl/{crawl}/pages", limit=7, sort=sort, cursor=cursor).json
            found += answer["data"]
            cursor = answer["next"]
        assert len({row["id"] for row in found}) == len(found) == count
    last = found[0]
    assert last["state"] == last["stage"] == "stored" and last["crawl"] == crawl and last["attempts"] == 1 and last["times"]["stored"]
    assert len(gateway.data(f"/v1/crawl/{crawl}/pages", q=last["url"].upper())) >= 1
    assert gateway.data(f"/v1/crawl/{crawl}/pages", state="error") == []
    one = gateway.data(f"/v1/page/{last['id']}")
    assert one["summary"] and one["article"] and one["markdown"] and one["engine"] == "extractive" and len(one["attemptsLog"]) == 1
    assert gateway.data("/v1/page", url=last["url"]) == one == gateway.data("/v1/page", url=last["url"], crawl=crawl)
    assert gateway.data("/v1/explain", url=last["url"])["pages"][0]["page"] == last["id"]


def check_search(stack, gateway, crawl):
    wait_until(lambda: gateway.get("/v1/search", q="surveyor").json["waiting"] == 0, 30, "all is indexed")
    found = gateway.get("/v1/search", q="surveyor", limit=3).json
    assert found["data"] and "\x02" in found["data"][0]["snippet"] and found["data"][0]["crawl"] == crawl
    if found["next"]:
        more = gateway.get("/v1/search", q="surveyor", limit=3, cursor=found["next"]).json
        assert not {row["page"] for row in more["data"]} & {row["page"] for row in found["data"]}
    assert gateway.get("/v1/search", q='"((" & !', crawl=crawl).json["data"] == []
    assert gateway.get("/v1/search", q="surveyor", crawl=UNKNOWN).json["data"] == []


def check_export(gateway, crawl, count):
    answer = gateway.get(f"/v1/crawl/{crawl}/export", format="jsonl")
    rows = [json.loads(row) for row in answer.body.splitlines()]
    assert len(rows) == count and all(row["summary"] and row["article"] for row in rows)
    text = gateway.get(f"/v1/crawl/{crawl}/export", format="md").body.decode()
    assert len(re.findall(r"(?m)^# ", text)) == count and all(f"<{row['url']}>" in text for row in rows)


def test_steering(line):
    """Pause, resume, cancel, recrawl, retry by code, delete with purge; what cannot be is a conflict."""
    stack, gateway = line
    site = Pages({"/": page("Home", ["/a", "/bad"], seed=1), "/a": page("A", seed=2), "/bad": Reply(status=404)})
    with Server(site) as server:
        crawl = gateway.crawl(server.url("/"), depth=1)
        gateway.wait_state(crawl, "completed")
        fault(gateway.post(f"/v1/crawl/{crawl}/pause"), 409, "CONFLICT")
        answer = gateway.post(f"/v1/crawl/{crawl}/retry-failed?code=HTTP_4XX")
        assert answer.json["retried"] == 1 and answer.json["data"]["id"] == crawl, answer
        gateway.wait_state(crawl, "completed")
        assert gateway.post(f"/v1/crawl/{crawl}/retry-failed?code=TLS").json["retried"] == 0
        again = gateway.post(f"/v1/crawl/{crawl}/recrawl").json["data"]
        assert again["run"] == 2 and again["id"] == crawl
        done = gateway.wait_state(crawl, "completed")
        assert done["news"]["unchanged"] == 2, done
        slow = gateway.crawl(server.url("/a"), depth=0, limit=3)
        gateway.wait_state(slow, "completed")
    assert gateway.ask("DELETE", f"/v1/crawl/{crawl}?purge=true").json == {"success": True, "status": "deleted"}
    fault(gateway.get(f"/v1/crawl/{crawl}"), 404, "UNKNOWN")
    wait_until(lambda: stack.value("select count(*) from crawl where purge_at is not null") == 0, 30, "it is purged")
    assert gateway.data(f"/v1/crawl/{slow}")["state"] == "completed" and stack.books() == []


def test_pause_resume_cancel(make_stack):
    stack = make_stack(HOST_DELAY="300ms")
    stack.start_all()
    gateway = Gateway(stack)
    with Server(Synthetic(100, 6)) as site:
        crawl = gateway.crawl(site.url("/0"), depth=5)
        paused = gateway.post(f"/v1/crawl/{crawl}/pause").json["data"]
        assert paused["state"] == "paused" and paused["pausedAt"] and paused["why"].startswith("paused")
        assert gateway.post(f"/v1/crawl/{crawl}/resume").json["data"]["state"] == "running"
        wait_until(lambda: "polite" in (gateway.data(f"/v1/crawl/{crawl}")["why"] or ""), 20, "it says why it waits", interval=0.01)
        assert gateway.get("/v1/crawl/active").json["crawls"][0]["id"] == crawl
        assert gateway.ask("DELETE", f"/v1/crawl/{crawl}").json["status"] == "cancelled"
        gateway.wait_state(crawl, "cancelled")
    fault(gateway.post(f"/v1/crawl/{crawl}/resume"), 409, "CONFLICT")


def test_what_a_request_may_say(line):
    """The writer's own words about a field reach the client, with the field; so do those of the gateway."""
    _, gateway = line
    for body, field in (({"url": "http://x.example/", "depht": 2}, "depht"), ({"url": "http://x.example/", "depth": "2"}, "depth"),
                        ({"url": "ftp://x.example/"}, "url"), ({"url": 7}, "url"), ({}, "url"), ({"urls": []}, "urls"),
                        ({"url": "http://x.example/", "include": ["("]}, "include"), ({"urls": ["http://x.example/", "nope"]}, "urls")):
        fault(gateway.post("/v1/crawl", body), 400, "BAD_REQUEST", field)
    for body in ("[]", "7", "", "{", '{"url": "http://x.example/"} x', b'{"url": "\xff"}', r'{"url": "\u0000"}'):
        fault(gateway.post("/v1/crawl", body), 400, "BAD_REQUEST")
    fault(gateway.ask("POST", "/v1/crawl", "{}", {"Content-Type": "text/plain"}), 415, "UNSUPPORTED_MEDIA_TYPE")
    fault(gateway.ask("POST", "/v1/crawl/1/pause", None, {"Content-Type": "application/x-www-form-urlencoded"}), 415,
          "UNSUPPORTED_MEDIA_TYPE")
    fault(gateway.post("/v1/crawl", "x" * (2 << 20)), 413, "TOO_LARGE")


def test_queries_that_make_no_sense(line):
    _, gateway = line
    inbox = gateway.data("/v1/crawl")[0]["id"]
    for path, field in (("/v1/crawl?limit=0", "limit"), ("/v1/crawl?limit=1e3", "limit"), ("/v1/crawl?cursor=abc", "cursor"), ("/v1/crawl?state=gone", "state"),
                        (f"/v1/crawl/{inbox}/pages?cursor=99999999999999999999", "cursor"), (f"/v1/crawl/{inbox}/pages?cursor=-1", "cursor"),
                        (f"/v1/crawl/{inbox}/pages?cursor=';drop table page;", "cursor"), (f"/v1/crawl/{inbox}/pages?state=gone", "state"),
                        (f"/v1/crawl/{inbox}/pages?sort=url", "sort"), (f"/v1/crawl/{inbox}/pages?depth=x", "depth"),
                        ("/v1/summary", "url"), ("/v1/summary?url=x", "url"), ("/v1/page?url=ftp://x", "url"), ("/v1/search", "q"),
                        ("/v1/search?q=x&limit=1000", "limit"), (f"/v1/crawl/{inbox}/export?format=pdf", "format")):
        fault(gateway.get(path.replace(" ", "%20")), 400, "BAD_REQUEST", field)
    for path in (f"/v1/crawl/{UNKNOWN}", f"/v1/crawl/{UNKNOWN}/pages", f"/v1/crawl/{UNKNOWN}/events", f"/v1/crawl/{UNKNOWN}/export",
                 "/v1/crawl/999999999999999999", "/v1/crawl/1'", "/v1/page/0", "/v1/page/x", "/v1/page?url=http://x.example/", "/v1/nothing",
                 "/v1/crawl/%00", "/v1/crawl/" + "9" * 300, "/../etc/passwd", "/v1//crawl", "/app.js.map", f"/v2/crawl/{UNKNOWN}"):
        fault(gateway.get(path), 404, "UNKNOWN")
    for text in ("%FF%FE", "a%00b", "%ED%A0%80"):
        answer = gateway.get(f"/v1/crawl/{inbox}/pages?q={text}")
        assert answer.status in (200, 400), answer
    fault(gateway.ask("PUT", "/v1/crawl"), 405, "METHOD_NOT_ALLOWED")
    assert gateway.ask("DELETE", "/v1/summary").headers["allow"] == "GET, HEAD, POST"
    assert gateway.ask("HEAD", "/v1/crawl").body == b""


def test_idempotency(line):
    """The same key and body is the same crawl, also at the same time from many clients and two gateways; another body is a conflict."""
    stack, gateway = line
    other = Gateway(stack)
    with Server(Pages({"/": page("Home", seed=1)})) as site:
        body = {"url": site.url("/"), "depth": 0}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            asked = [pool.submit((gateway, other)[n % 2].post, "/v1/crawl", body, **{"Idempotency-Key": "k1"}) for n in range(32)]
            answers = [future.result() for future in asked]
        assert {answer.status for answer in answers} == {200} and len({answer.json["id"] for answer in answers}) == 1
        gateway.wait_state(answers[0].json["id"], "completed")
        later = gateway.post("/v1/crawl", body, **{"Idempotency-Key": "k1"})
        assert later.json["id"] == answers[0].json["id"] and other.data(f"/v1/crawl/{later.json['id']}")["run"] == 1
        fault(gateway.post("/v1/crawl", body | {"depth": 1}, **{"Idempotency-Key": "k1"}), 409, "CONFLICT", "Idempotency-Key")
        fault(gateway.post("/v1/crawl", body, **{"Idempotency-Key": "k" * 256}), 400, "BAD_REQUEST", "Idempotency-Key")
        assert gateway.post("/v1/crawl", body, **{"Idempotency-Key": "k2"}).json["id"] == later.json["id"]  # the same crawl, run again


def test_no_writer(stack):
    """Without a writer a request is kept, and says that it waits; a writer that comes takes it."""
    gateway = Gateway(stack)
    with Server(Pages({"/": page("Home", seed=1)})) as site:
        answer = gateway.post("/v1/crawl", {"url": site.url("/"), "depth": 0})
        assert answer.status == 200 and answer.json["state"] == "queued"
        crawl = answer.json["id"]
        assert gateway.data(f"/v1/crawl/{crawl}")["state"] == "queued"
        bad = gateway.post("/v1/crawl", {"url": site.url("/"), "depth": -1}).json["id"]
        stack.start_all()
        gateway.wait_state(crawl, "completed")
        failed = gateway.data(f"/v1/crawl/{bad}")
        assert failed["state"] == "failed" and "depth" in failed["error"]


# Summaries --------------------------------------------------------------------------------------------------------------

def test_summary(line):
    """Unknown, then asked for and waited for, ready for all; what fails says why; GET starts nothing."""
    stack, gateway = line
    done = threading.Event()
    site = Pages({"/": page("Home", seed=1), "/gone": Reply(status=410), "/old": Reply(status=301, headers={"Location": "/"}),
                  "/slow": Reply(page("Slow", seed=3), until=done)})
    with Server(site) as server:
        url = server.url("/")
        unknown = gateway.get("/v1/summary", url=url)
        assert unknown.status == 404 and unknown.json["state"] == "unknown" and unknown.json["code"] == "UNKNOWN"
        post = unknown.json["details"]["post"]
        assert stack.value("select count(*) from request") == 0
        ready = gateway.ask(post["method"], post["path"], {**post["body"], "wait": 30})
        assert ready.status == 200 and ready.json["state"] == "ready" and ready.json["summary"] and ready.json["engine"] == "extractive"
        assert gateway.get("/v1/summary", url=url + "#x").json == ready.json
        assert gateway.post("/v1/summary", {"url": url}).json == ready.json and len(server.hits("/")) == 1
        forced = gateway.post("/v1/summary", {"url": url, "wait": 30, "force": True})
        assert forced.json["state"] == "ready" and len(server.hits("/")) == 2
        moved = gateway.post("/v1/summary", {"url": server.url("/old"), "wait": 30})
        assert moved.json["state"] == "ready" and moved.json["url"] == url, moved
        failed = gateway.post("/v1/summary", {"url": server.url("/gone"), "wait": 30})
        assert failed.status == 200 and failed.json["state"] == "failed" and failed.json["code"] == "HTTP_4XX" and failed.json["attempts"] == 1
        begin = time.monotonic()
        slow = gateway.post("/v1/summary", {"url": server.url("/slow"), "wait": 1})
        assert slow.status == 202 and slow.json["state"] == "running" and 0.5 < time.monotonic() - begin < 30
        assert gateway.get("/v1/summary", url=server.url("/slow")).status == 202
        done.set()
        assert gateway.post("/v1/summary", {"url": server.url("/slow"), "wait": 30}).json["state"] == "ready"
        assert len(server.hits("/slow")) == 1
    for body, field in (({}, "url"), ({"url": "x"}, "url"), ({"url": url, "wait": 61}, "wait"), ({"url": url, "wait": "1"}, "wait"),
                        ({"url": url, "force": 1}, "force")):
        fault(gateway.post("/v1/summary", body), 400, "BAD_REQUEST", field)


# Who may ask --------------------------------------------------------------------------------------------------------------

def command(stack, *arguments):
    done = subprocess.run([os.path.join(stack.bin_dir, "gateway"), *arguments], env=stack.env, capture_output=True, text=True, timeout=90,
                          check=False)
    return done.returncode, done.stdout.strip(), done.stderr


def test_hosts_and_keys(make_stack):
    """Without a key only our own names; keys are made, hashed, limited, revoked. Probes are for everybody."""
    stack = make_stack()
    gateway = Gateway(stack, GATEWAY_HOSTS="gist.example, other.example")
    for host, status in (("localhost", 200), ("localhost:99", 200), ("127.0.0.1:1", 200), ("127.9.9.9", 200), ("[::1]:8080", 200),
                         ("GIST.example:80", 200), ("other.example", 200), ("evil.example", 403), ("localhost.evil.example", 403),
                         ("127.0.0.1.evil.example", 403), ("127.0.0.256", 403), ("", 403), ("[::2]", 403), ("10.0.0.1", 403),
                         ("gist.example.evil", 403), ("0.0.0.0", 403)):
        answer = gateway.get("/v1/crawl", {"Host": host})
        assert answer.status == status, (host, answer)
        assert gateway.get("/healthz", {"Host": host or "x"}).status == 200
    status, key, _ = command(stack, "--add-key", "one", "20")
    assert status == 0 and len(key) > 40 and command(stack, "--add-key", "one")[0] == 1
    assert stack.value("select count(*) from api_key where sha256 = sha256(convert_to(%s, 'UTF8'))", key) == 1
    assert key not in str(stack.query("select * from api_key")) and key not in tail(gateway.program.log, 100)
    bearer = {"Host": "evil.example", "Authorization": f"Bearer {key}"}
    assert gateway.get("/v1/crawl", bearer).status == 200
    fault(gateway.get("/v1/crawl", {"Authorization": "Bearer " + key[:-1]}), 401, "UNAUTHORIZED")
    fault(gateway.get("/v1/crawl", {"Authorization": "Bearer ' or 1=1"}), 401, "UNAUTHORIZED")
    assert gateway.get("/v1/crawl", {"Authorization": "Bearer "}).status == 200  # none at all
    assert command(stack, "--revoke-key", "one")[0] == 0 and command(stack, "--revoke-key", "one")[0] == 1
    wait_until(lambda: gateway.get("/v1/crawl", bearer).status == 401, 10, "the key is refused", interval=0.5)
    assert "revoked" in command(stack, "--list-keys")[1]
    assert command(stack, "--add-key", "x", "many")[0] == 100


def test_rate_of_a_key(make_stack):
    """A key's requests a minute hold over two gateways; Retry-After says how long."""
    stack = make_stack()
    gateways = [Gateway(stack), Gateway(stack)]
    minute, answers = None, []
    while time.time() // 60 != minute:  # until none ends in the middle of it
        minute = time.time() // 60
        key = command(stack, "--add-key", f"of {minute}", "40")[1]
        answers = [gateways[n % 2].get("/v1/crawl/1", {"Authorization": f"Bearer {key}"}) for n in range(60)]
    taken = sum(answer.status == 200 for answer in answers)
    assert 36 <= taken <= 40, taken  # what one of them has taken in advance may be left over
    fault(answers[-1], 429, "RATE_LIMITED")
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert gateways[0].get("/v1/crawl/1").status == 200  # others are not concerned


def test_not_local_needs_a_key(make_stack):
    """On all addresses nobody is served without a key, unless GATEWAY_NO_KEY says so."""
    stack = make_stack()
    gateway = Gateway(stack)
    port = str(gateway.port)
    gateway.program.kill9()
    gateway.program = stack.start("gateway", GATEWAY_ADDR=f":{port}")
    gateway.wait_ready()
    fault(gateway.get("/v1/crawl"), 401, "UNAUTHORIZED")
    gateway.program.kill9()
    gateway.program = stack.start("gateway", GATEWAY_ADDR=f":{port}", GATEWAY_NO_KEY="1")
    gateway.wait_ready()
    assert gateway.get("/v1/crawl").status == 200
    fault(gateway.get("/v1/crawl", {"Host": "evil.example"}), 403, "FORBIDDEN_HOST")


# Hostile clients ----------------------------------------------------------------------------------------------------------

def test_clients_that_misbehave(make_stack):
    """Huge heads, garbage, half-open and slow connections: afterwards all is as before."""
    stack = make_stack()
    gateway = Gateway(stack)
    pid = gateway.program.pid
    before = descriptors(pid) + 6  # connections to the database are made as they are needed
    head = b"GET /v1/crawl HTTP/1.1\r\nHost: localhost\r\n"
    for data in (head + b"X: " + b"x" * (1 << 20) + b"\r\n\r\n", b"GET /" + b"y" * (1 << 20) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 head + b"".join(b"X%d: 1\r\n" % n for n in range(50000)) + b"\r\n", os.urandom(100_000), b"\0" * 1000,
                 head + b"\r\n" + os.urandom(5000), (head + b"\r\n") * 200 + b"GARBAGE\r\n\r\n" * 100,
                 b"POST /v1/crawl HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n",
                 b"POST /v1/crawl HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999999999999\r\n\r\n",
                 b"POST /v1/crawl HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                 + (b"10000\r\n" + b"z" * 65536 + b"\r\n") * 40,
                 b"GET /v1/crawl HTTP/9.9\r\n\r\n", b"GET /v1/crawl HTTP/1.1\r\n\r\n"):
        with gateway.connect() as sock:
            status = talk(sock, data)
            assert status is None or 200 <= status < 600, data[:60]
            assert status is None or status < 500 or status == 505, (status, data[:60])
        assert gateway.get("/healthz").status == 200
    for _ in range(10):  # now and then libmicrohttpd does not see an end
        idle = [gateway.connect() for _ in range(300)]
        for n, sock in enumerate(idle):
            sock.sendall((b"", b"GET /v1/cr", head, b"POST /v1/crawl HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")[n % 4])
        begin = time.monotonic()
        assert gateway.get("/healthz").status == 200 and time.monotonic() - begin < AT_ONCE
        for sock in idle:
            sock.close()
        wait_until(lambda: descriptors(pid) <= before + 1, 5, lambda: f"connections are closed: {descriptors(pid)} of {before}")
    assert gateway.program.alive() and stack.books() == []


def talk(sock, data):
    """Sends all that is taken; the status of the first answer, None if there is none."""
    answer = b""
    sock.settimeout(5)
    try:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    try:
        while len(answer) < 1 << 20:
            piece = sock.recv(65536)
            if not piece:
                break
            answer += piece
    except OSError:
        pass
    found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(found[1]) if found else None


@pytest.mark.limit(150)
def test_slow_requests_end(make_stack):
    """A request that is dripped in is cut off after its time, however steadily it drips; so is a connection that says nothing."""
    stack = make_stack()
    gateway = Gateway(stack)
    with gateway.connect() as drip, gateway.connect() as mute:
        begin = time.monotonic()
        took = send_slowly(drip, b"GET /v1/crawl HTTP/1.1\r\nX: " + b"x" * 1000, 0.5)
        assert 20 < took < 45, took
        mute.settimeout(40)
        assert mute.recv(1) == b"" and time.monotonic() - begin < 60


def test_many_connections(make_stack):
    """More than GATEWAY_CLIENTS: the rest waits or is turned away; then all is as before."""
    stack = make_stack()
    gateway = Gateway(stack, GATEWAY_CLIENTS="50")
    before = descriptors(gateway.program.pid)
    many = [gateway.connect() for _ in range(200)]
    for sock in many:
        sock.close()
    wait_until(lambda: descriptors(gateway.program.pid) <= before + 1, 10, "connections are closed")
    assert gateway.get("/healthz").status == 200


# The database ---------------------------------------------------------------------------------------------------------------

@pytest.mark.limit(180)
def test_database_away_and_back(make_stack, migrated):
    """503 with Retry-After at once while it is away, also for those who wait; /healthz as ever; then as before. The same when frozen."""
    stack = make_stack()
    gateway = Gateway(stack)
    database = migrated.database
    assert gateway.get("/v1/crawl").status == 200
    database.stop()
    try:
        wait_until(lambda: gateway.get("/readyz").status == 503, 10, "not ready")
        for path in ("/v1/crawl", "/v1/crawl/1", "/v1/status", "/v1/crawl/1/events"):
            begin = time.monotonic()
            answer = gateway.get(path)
            fault(answer, 503, "UNAVAILABLE")
            assert answer.headers["retry-after"] and time.monotonic() - begin < AT_ONCE
        assert gateway.get("/healthz").status == 200 and gateway.get("/").status == 200
    finally:
        database.start().ready()
    gateway.wait_ready()
    assert gateway.get("/v1/crawl").status == 200
    with concurrent.futures.ThreadPoolExecutor(1) as pool:  # one who waits is told
        waiting = pool.submit(gateway.post, "/v1/summary", {"url": "http://127.0.0.1:9/x", "wait": 60})
        wait_until(lambda: stack.value("select count(*) from request") == 1, 10, "it waits")
        database.stop()
        try:
            fault(waiting.result(50), 503, "UNAVAILABLE")
        finally:
            database.start().ready()
    gateway.wait_ready()
    database.process.freeze()
    try:
        begin = time.monotonic()
        fault(gateway.get("/v1/crawl"), 503, "UNAVAILABLE")
        assert gateway.get("/healthz").status == 200 and time.monotonic() - begin < 20
        begin = time.monotonic()
        fault(gateway.get("/v1/crawl"), 503, "UNAVAILABLE")
        assert time.monotonic() - begin < AT_ONCE
    finally:
        database.process.thaw()
    gateway.wait_ready()
    assert gateway.get("/v1/crawl").status == 200


def test_schema_of_before(make_stack):
    """A database that no writer of this version has seen yet: not ready, and it says why."""
    stack = make_stack()
    stack.database.create("bare_" + stack.name)
    try:
        gateway = Gateway(stack, wait=False, DATABASE_URL=stack.database.url("bare_" + stack.name))
        wait_until(lambda: b"schema" in gateway.get("/readyz").body, 10, "it says what is missing")
        fault(gateway.get("/v1/crawl"), 503, "UNAVAILABLE")
        gateway.program.terminate(10)
    finally:
        stack.database.drop("bare_" + stack.name)


# The rest ---------------------------------------------------------------------------------------------------------------------

def test_probes_page_and_configuration(make_stack):
    stack = make_stack()
    gateway = Gateway(stack)
    assert gateway.get("/healthz").body == b"ok\n" and gateway.get("/readyz").body == b"ready\n"
    assert gateway.metric("gistmill_gateway_requests_total") > 0 and gateway.metric("gistmill_database_up") == 1
    index = gateway.get("/")
    assert index.status == 200 and index.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in index.headers["content-security-policy"]
    assert gateway.get("/", {"If-None-Match": index.headers["etag"]}).status == 304
    status = gateway.data("/v1/status")
    assert status["database"] == "ok" and status["disk"]["databaseBytes"] > 0
    spec = gateway.get("/openapi.json").json
    assert "/v1/crawl/{id}" in spec["paths"] and "post" in spec["paths"]["/v1/summary"]
    for path in set(spec["paths"]) - {"/v1/crawl/{id}/events"}:  # what it says is there
        answer = gateway.get(re.sub(r"\{\w+\}", "1", path) + "?url=http://x.example/&q=x")
        assert answer.status in (200, 404, 405) and b"there is nothing at this path" not in answer.body, (path, answer)
    assert "GATEWAY_ADDR" in command(stack, "--help")[1] and command(stack, "--version")[1].startswith("gateway ")
    assert command(stack, "--check-config")[0] == 0 and command(stack, "--nonsense")[0] == 100
    busy = stack.env | {"GATEWAY_ADDR": f"127.0.0.1:{gateway.port}"}
    done = subprocess.run([os.path.join(stack.bin_dir, "gateway")], env=busy, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 111 and "GATEWAY_ADDR" in done.stderr
    assert gateway.program.terminate(10) == 0


def test_stop_with_everything_under_way(line):
    """SIGTERM ends requests that wait, streams and exports; the exit status is 0."""
    _, gateway = line
    with Server(Pages({path: Reply(page("Slow", seed=3), after=60) for path in ("/slow", "/slow?0", "/slow?1", "/slow?2", "/slow?3")})) as server:
        crawl = gateway.crawl(server.url("/slow"), depth=0)
        streams = [gateway.events(crawl) for _ in range(20)]
        for stream in streams:
            assert next(iter(stream)).name == "start"
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(gateway.post, "/v1/summary", {"url": server.url("/slow?") + str(n), "wait": 60}) for n in range(4)]
            wait_until(lambda: gateway.metric("gistmill_gateway_waiting") == 4, 20, "they wait")
            assert gateway.program.terminate(20) == 0
            assert all(future.result(30).status == 503 for future in waiting)
        for stream in streams:
            assert all(event.name == "progress" for event in stream)
