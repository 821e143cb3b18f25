"""The entrances: what people and programs put into `seed` (and, by mistake, into `url`), and what becomes of it."""

import contextlib
import json
import os
import subprocess
import types

import pytest

from support.site import Pages, Reply, Server, page
from support.stack import Broker, Stack, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOM = b"\xef\xbb\xbf"
QUICK = {"ATTEMPTS": "1"}  # a passing fault is final at once


def anything(request):
    """Any path below /p/ is a page of its own, with a link to the next level."""
    return page(request.path, links=[request.path + "/x"], words=92) if request.path.startswith("/p/") else None


@pytest.fixture(scope="module")
def site():
    with Server({None: anything, "b.localhost": anything}) as server:
        yield server


@pytest.fixture(scope="module")
def whole(migrated, bin_dir, run_dir, numbers):
    """One of each program, for all tests of this file that only add pages of their own."""
    name = f"t{next(numbers)}"
    made = Stack(migrated, bin_dir, run_dir.subdir(name), name, QUICK)
    with contextlib.closing(made):
        made.start_all()
        yield made
        assert set(made.stop_all().values()) == {0}  # a sanitizer would tell of leaks now


@pytest.fixture
def line(request, whole):
    """The line above, with closed books after the test."""
    request.node.gistmill_logs = [whole.logs]
    yield whole
    assert whole.books() == []
    assert [program.status() for program in whole.programs] == [None] * 4


def reason_of(stack, beginning):
    """Reasons of bad_request for what begins so."""
    return [row.reason for row in stack.query("select reason from bad_request where substr(body, 1, %s) = %s order by id",
                                              len(beginning), beginning)]


# Plain text -------------------------------------------------------------------------------------------------------------

PLAIN = {
    "one": lambda urls: urls[0],
    "newline": lambda urls: urls[0] + b"\n",
    "lines": lambda urls: b"\n".join(urls),
    "crlf": lambda urls: b"\r\n".join(urls) + b"\r\n",
    "bom": lambda urls: BOM + b"\n".join(urls),
    "bom-crlf": lambda urls: BOM + b"\r\n".join(urls),
    "blank-lines": lambda urls: b"\n\n \t\n" + b"\n\n\n".join(urls) + b"\n\n",
    "blanks": lambda urls: b"\n".join(b" \t" + url + b"  " for url in urls),
}


def test_plain_text(line, site):
    wanted = []
    for name, body in PLAIN.items():
        urls = [site.url(f"/p/{name}/{i}") for i in range(1 if name in ("one", "newline") else 3)]
        line.publish("seed", body([url.encode() for url in urls]))
        wanted += urls
    found = {url: line.wait_final(url) for url in wanted}
    assert {row.state for row in found.values()} == {"stored"}
    assert {row.depth for row in found.values()} == {0}
    assert {row.crawl_id for row in found.values()} == {line.value("select id from crawl where is_inbox and priority = 0")}
    # Nobody follows the links of the inbox; nothing was refused on the way.
    assert not [hit for hit in site.hits() if hit.path.endswith("/x")]
    assert line.value("select count(*) from bad_request") == 0


def test_urls_are_brought_to_one_form(line, site):
    url = site.url("/p/form")
    line.seed(url + "?utm_source=x#part\n" + url.replace("http:", "HTTP:") + "\n" + url.replace("/p/", "/q/../p/"))
    assert line.wait_final(url).state == "stored"
    assert line.value("select count(*) from page where url like %s", url + "%") == 1
    assert len(site.hits("/p/form")) == 1


def test_a_long_list_is_many_transactions(line, site):
    """A file of URLs as one message: admitted in parts, so that no statement meets its deadline; good and bad lines."""
    count = 3000
    lines = [site.url(f"/none/{i:050}") if i % 30 == 0 else f"no URL {i:050}" for i in range(count)]
    line.publish("seed", "\n".join(lines).encode())
    good = [text for text in lines if text.startswith("http")]
    wait_until(lambda: line.value("select count(*) from page where code = 'HTTP_4XX' and url like '%%/none/%%'") == len(good),
               60, "all of them asked for")
    assert line.value("select count(*) from bad_request where encode(substr(body, 1, 6), 'escape') = 'no URL'") == count - len(good)
    assert len(line.log_lines("writer", event="outcome", url="-", stage="writer", job="0.0")) > 3


# JSON -------------------------------------------------------------------------------------------------------------------

def test_json_with_a_bare_url_goes_to_the_inbox(line, site):
    url = site.url("/p/json-bare")
    line.publish("seed", json.dumps({"url": url}).encode(), b"\n\t" + json.dumps({"url": url + "/2"}, indent=2).encode() + b"\n")
    for one in (url, url + "/2"):
        row = line.wait_final(one)
        assert (row.state, line.crawl(row.crawl_id).is_inbox) == ("stored", True)


@pytest.mark.parametrize("wish, depth, limit, scope, pages", [
    ({"depth": 0}, 0, 1000, "host", 1),
    ({"depth": 3, "limit": 2, "scope": "host"}, 3, 2, "host", 2),
    ({"limit": 1}, 2, 1, "host", 1),
    ({"scope": "any"}, 2, 1000, "any", 3),
    ({"scope": "domain", "depth": 1.0}, 1, 1000, "domain", 2),
], ids=json.dumps)
def test_json_with_a_wish_is_a_crawl(line, site, wish, depth, limit, scope, pages):
    url = site.url("/p/" + "-".join(wish))
    line.publish("seed", json.dumps({"url": url, **wish}).encode())
    number = line.wait_final(url).crawl_id
    row = line.wait_completed(number)
    assert (row.seed, row.max_depth, row.max_pages, row.scope, row.run, row.stored) == (url, depth, limit, scope, 1, pages)
    assert len(line.log_lines("writer", event="completed", crawl=number, stored=pages)) == 1


def test_scope(line, site):
    """From a page with links to three hosts."""
    other = site.url("/p/there", host="b.localhost")
    below = site.url("/p/there", host="c.b.localhost")
    site.sites["b.localhost"] = lambda request: page("From", links=[other, below, site.url("/p/there")]) \
        if request.path == "/from" else anything(request)
    for scope, reached in (("host", {other}), ("subdomains", {other, below}), ("any", {other, below, site.url("/p/there")})):
        line.seed(site.url("/from", host="b.localhost"), depth=1, scope=scope)
        number = wait_until(lambda s=scope: line.value("select id from crawl where scope = %s and seed like '%%/from'", s), 20, "a crawl")
        line.wait_completed(number)
        assert set(line.pages(number)) == reached | {site.url("/from", host="b.localhost")}, scope
        count = line.value("select coalesce(sum(count), 0) from refused where crawl_id = %s and rule = 'scope'", number)
        assert count == 3 - len(reached)


# Into the wrong queue ----------------------------------------------------------------------------------------------------

def test_what_is_no_ticket_is_forwarded(line, site):
    """`rabbitmqadmin publish routing_key=url payload=URL`: people will try."""
    bare, crawl = site.url("/p/bare-on-url"), site.url("/p/crawl-on-url")
    line.publish("url", bare.encode(), json.dumps({"url": crawl, "depth": 1}).encode(), b"forwarded nonsense")
    assert line.wait_final(bare).state == "stored"
    assert line.wait_completed(line.wait_final(crawl).crawl_id).stored == 2
    wait_until(lambda: reason_of(line, b"forwarded nonsense"), 20, "the reason")
    assert reason_of(line, b"forwarded nonsense") == ["not a valid address"]


# Refused ------------------------------------------------------------------------------------------------------------------

HERE = b'{"url":"http://refused.test/%d",'
FIELD = "unknown field; known are url, urls, depth, limit, scope, priority, prefix, include, exclude, match, preset, " \
    "per_host, guards, ignoreNoindex, ignoreNofollow, sitemap, feeds"
SWITCH = "must be true or false"
DEPTH = "depth: must be a whole number from 0 to 1000"
LIMIT = "limit: must be a whole number from 1 to 1000000000"
SCOPE = "scope: must be host, subdomains, domain or any"
NO_JSON = "begins like JSON, but is none"

# (body, reason): every body begins differently, so that its row is known by its beginning
REFUSED = [
    (b"hello world", "not a valid address"),
    (b"example.org/without/scheme", "not a valid address"),
    (b"http://", "not a valid address"),
    (b"http://a b/", "not a valid address"),
    (b"http://\xed\xa0\x80/", "not UTF-8 text"),
    (b"ftp://refused.test/file", "neither http nor https"),
    (b"mailto:somebody@refused.test", "neither http nor https"),
    (b"javascript:alert(1)", "neither http nor https"),
    (b"http://refused.test/" + b"long" * 600, "longer than the limit"),
    (b"http://refused.test/" + b"very" * 1_000_000, "longer than the limit"),
    (b"", "empty message"),
    (b"   \r\n\t ", "empty message"),
    (b"\n" + b" " * 5_000_000, "empty message"),
    (b"\0" * 5_000_000, "not UTF-8 text"),
    (b"\xff\xfe\x00h\x00t", "not UTF-8 text"),
    (b"caf\xe9", "not UTF-8 text"),
    (b"nul\0nul", "not UTF-8 text"),
    (bytes(range(256)), "not UTF-8 text"),
    (b'{"url":"http://refused.test/1"', NO_JSON),
    (b"{'url':'http://refused.test/2'}", NO_JSON),
    (b"[" * 100_000, NO_JSON),
    (b'{"url":"http://refused.test/\\ud800"}', NO_JSON),
    (b'{"url":"http://refused.test/\\u0000"}', "holds U+0000"),
    (b'["http://refused.test/3"]', 'JSON, but no object such as {"url": "https://example.org/", "depth": 2}'),
    (b'"http://refused.test/4"', 'JSON, but no object such as {"url": "https://example.org/", "depth": 2}'),
    (b'{"url":"http://refused.test/5"}\n{"url":"http://refused.test/6"}',
     "more than one JSON value; every crawl is a message of its own"),
    (b'{"url":"http://refused.test/7","url":"http://refused.test/8"}', "url: there twice"),
    (b"{}", "url: missing"),
    (b'{"depth":1}', "url: missing"),
    (b'{"url":7}', "url: must be a string"),
    (b'{"url":null}', "url: must be a string"),
    (b'{"url":"nonsense","depth":1}', "url: not a valid address"),
    (b'{"url":"ftp://refused.test/"}', "url: neither http nor https"),
    (b'{"url":"http://refused.test/' + b"json" * 600 + b'"}', "url: longer than the limit"),
    (HERE % 10 + b'"deep":1}', f"deep: {FIELD}"),
    (HERE % 11 + b'"\\u0007\\u00e9":1}', f"???: {FIELD}"),
    (HERE % 12 + b'"depth":-1}', DEPTH),
    (HERE % 13 + b'"depth":1001}', DEPTH),
    (HERE % 14 + b'"depth":1.5}', DEPTH),
    (HERE % 15 + b'"depth":"2"}', DEPTH),
    (HERE % 16 + b'"depth":null}', DEPTH),
    (HERE % 17 + b'"depth":1e400}', DEPTH),
    (HERE % 18 + b'"limit":0}', LIMIT),
    (HERE % 19 + b'"limit":99999999999999999999}', LIMIT),
    (HERE % 20 + b'"limit":[1]}', LIMIT),
    (HERE % 21 + b'"scope":"moon"}', SCOPE),
    (HERE % 22 + b'"scope":1}', SCOPE),
    (HERE % 30 + b'"ignoreNoindex":1}', f"ignoreNoindex: {SWITCH}"),
    (HERE % 31 + b'"ignoreNofollow":"true"}', f"ignoreNofollow: {SWITCH}"),
    (HERE % 32 + b'"ignoreNofollow":null}', f"ignoreNofollow: {SWITCH}"),
    (HERE % 33 + b'"ignoreNoindex":true,"ignoreNoindex":false}', "ignoreNoindex: there twice"),
]


def test_refused_with_a_reason_and_nothing_blocks(line, site):
    before = line.value("select count(*) from bad_request")
    first, last = site.url("/p/before-refused"), site.url("/p/after-refused")
    line.publish("seed", first.encode(), *(body for body, _ in REFUSED), last.encode())
    assert line.wait_final(first).state == "stored"
    assert line.wait_final(last).state == "stored"
    # In the order in which they came; each with its beginning, 16 KiB at most.
    rows = line.query("select reason, body from bad_request order by id offset %s", before)
    assert [(bytes(row.body)[:60], row.reason) for row in rows] == \
        [(body.strip()[:60] if reason.startswith("not a valid") else body[:60], reason) for body, reason in REFUSED]
    assert max(len(row.body) for row in rows) == 16384
    assert line.value("select count(*) from page where url like '%%refused.test%%'") == 0
    assert line.depths()["seed"] == 0
    outcomes = line.log_lines("writer", event="outcome", verdict="reject", job="0.0")
    assert {one["reason"].split(":")[0] for one in outcomes} == {"BAD_RECORD", "BAD_URL"}


def test_good_lines_beside_bad_ones(line, site):
    good = [site.url(f"/p/beside/{i}") for i in range(2)]
    line.publish("seed", f"{good[0]}\nbeside nonsense\nftp://beside.test/\n{good[1]}\n".encode())
    for url in good:
        assert line.wait_final(url).state == "stored"
    assert reason_of(line, b"beside nonsense") == ["not a valid address"]
    assert reason_of(line, b"ftp://beside.test/") == ["neither http nor https"]


def test_larger_than_any_message(line, site):
    """Longer than a seed may be: kept as a bad record, only its beginning read into memory."""
    after = site.url("/p/after-larger")
    line.publish("seed", b"larger" * 3_000_000, after.encode())
    assert line.wait_final(after).state == "stored"
    row = wait_until(lambda: line.query("select reason, body from bad_record where reason like 'seed: %%'"), 20, "a bad record")[0]
    assert row.reason == "seed: larger than any message of ours"
    assert bytes(row.body) == (b"larger" * 3_000_000)[:16384]


# Once more ------------------------------------------------------------------------------------------------------------------

def test_inbox_answers_from_its_row(line, site):
    """A URL sent again costs nothing, unless its page ended in a passing fault."""
    good, passing, final = (site.url(path) for path in ("/p/again", "/passing", "/final"))
    site.sites[None] = lambda request: Reply(status=500) if request.path == "/passing" else anything(request)
    line.seed(f"{good}\n{passing}\n{final}")
    assert [line.wait_final(url).code for url in (good, passing, final)] == ["OK", "HTTP_5XX", "HTTP_4XX"]
    site.sites[None] = lambda request: page("Back") if request.path == "/passing" else anything(request)
    marker = site.url("/p/marker")
    line.seed(f"{final}\n{good}\n{passing}\n{good}\n{marker}")
    assert line.wait_final(marker).state == "stored"  # what was asked for before it is decided
    row = wait_until(lambda: line.query("select * from page where url = %s and state = 'stored'", passing), 20, "tried again")[0]
    assert (row.code, row.release) == ("OK", 2)
    assert [line.value("select release from page where url = %s", url) for url in (good, final)] == [1, 1]
    assert [len(site.hits(path)) for path in ("/p/again", "/passing", "/final")] == [1, 2, 1]


def test_inbox_asks_again_what_is_old(make_stack, site):
    stack = make_stack(INBOX_MAX_AGE="0")
    stack.start_all()
    url = site.url("/p/old")
    for release in (1, 2):
        stack.seed(url)
        wait_until(lambda n=release: stack.value("select release from page where state = 'stored'") == n, 20, "stored")
    assert len(site.hits("/p/old")) == 2 and stack.books() == []


def test_the_same_seed_is_one_crawl_then_a_new_run(make_stack):
    """Sent again while it runs: nothing new. After its end: run 2, compared page by page with run 1."""
    first = {"/": page("Home", links=["/same", "/changed", "/gone", "/fails"]), "/same": page("Same"), "/changed": page("Old"),
             "/gone": page("Gone"), "/fails": page("Fails")}
    second = {"/": page("Home", links=["/same", "/changed", "/gone", "/fails", "/new"]), "/same": page("Same"),
              "/changed": page("Changed"), "/fails": Reply(status=500), "/new": page("New")}
    stack = make_stack(**QUICK)
    stack.start_all({"fetcher": 0})
    with Server(Pages(first)) as server:
        for _ in range(3):
            stack.seed(server.url(), depth=1)
        stack.publish("seed", f'{{"depth": 1, "url": "{server.url()}#x", "scope": "host"}}'.encode())  # says the same
        wait_until(lambda: len(known(stack)) == 3, 20, "the second, third and fourth are known")
        stack.start("fetcher")
        row = stack.wait_completed()
        assert (row.run, row.admitted, row.stored, row.added) == (1, 5, 5, 5)
        assert stack.value("select count(*) from crawl where not is_inbox") == 1 and not server.twice()

        server.sites[None] = Pages(second)
        stack.seed(server.url(), depth=1)
        wait_until(lambda: stack.crawl().run == 2, 20, "a new run")
        row = stack.wait_completed()
        assert (row.admitted, row.stored, row.errors) == (6, 4, 2)
        assert (row.added, row.changed, row.unchanged, row.gone, row.failed) == (1, 1, 2, 1, 1)
        assert {path for (_, path), n in server.twice(robots=False).items() if n == 2} == set(first)
        assert stack.books() == [] and stack.value("select count(*) from crawl where not is_inbox") == 1
    closing = stack.log_lines("writer", event="completed")
    assert [line["run"] for line in closing] == ["1", "2"]
    # Another depth is another crawl.
    stack.seed(server.url(), depth=0)
    wait_until(lambda: stack.value("select count(*) from crawl where not is_inbox") == 2, 20, "another crawl")


def known(stack):
    return [one for one in stack.log_lines("writer", event="outcome", verdict="done") if one["reason"].endswith("is known")]


# By hand: the management plugin --------------------------------------------------------------------------------------------

@pytest.fixture
def by_hand(request, run_dir, migrated, bin_dir, numbers):
    """A stack around a broker with management, queues without a prefix; no program yet."""
    broker = Broker(run_dir.subdir("rabbitmq-by-hand"), management=True)
    try:
        broker.start().ready()
        name = f"t{next(numbers)}"
        services = types.SimpleNamespace(broker=broker, database=migrated.database)
        stack = Stack(services, bin_dir, run_dir.subdir(name), name, prefix="")
        request.node.gistmill_logs = [stack.logs, broker.logs]
        with contextlib.closing(stack):
            yield stack
    finally:
        broker.close()


def run(broker, *command):
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "RABBITMQ_HTTP": broker.http_url}
    return subprocess.run(command, env=env, cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)


def test_by_hand(by_hand, site):
    """As the README says it, with Debian's rabbitmqadmin and with deploy/enqueue."""
    broker = by_hand.broker
    admin = ("/usr/bin/rabbitmqadmin", f"--port={broker.http_port}", "publish", "routing_key=seed")
    first, second, third = (site.url(f"/p/by-hand/{i}") for i in range(3))

    # No queue yet: rabbitmqadmin only says so, enqueue fails.
    done = run(broker, *admin, f"payload={first}")
    assert (done.returncode, "NOT routed" in done.stdout) == (0, True), done.stdout
    done = run(broker, "deploy/enqueue", first)
    assert (done.returncode, done.stderr) == (1, "enqueue: not enqueued: no queue seed: is the writer running?\n")

    by_hand.start_all()
    assert run(broker, *admin, f"payload={first}").stdout == "Message published\n"
    assert run(broker, *admin, f'payload={{"url":"{second}","depth":1,"limit":500}}').returncode == 0
    done = run(broker, "deploy/enqueue", "--depth", "0", third)
    assert done.returncode == 0, done.stderr
    assert by_hand.wait_final(first).state == "stored"
    assert by_hand.wait_completed(by_hand.wait_final(second).crawl_id).stored == 2
    assert by_hand.wait_completed(by_hand.wait_final(third).crawl_id).stored == 1
    assert run(broker, *admin[:3], "routing_key=url", f"payload={first}/url").returncode == 0
    assert by_hand.wait_final(first + "/url").state == "stored"
    assert by_hand.books() == []
