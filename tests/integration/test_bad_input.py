"""Bad input at every queue: a clear record, the stage goes on, neighbours in the same batch are stored.

The test plays the fetcher: it takes the tickets and writes the messages. A stage is frozen while its messages are
published, so that it meets good and bad ones in one batch.
"""

import contextlib
import gzip
import json
import re
import types

import pika
import pytest

from support.desk import ENV, Desk, Message, pack
from support.probes import get
from support.process import frozen
from support.site import Pages, Server, page
from support.stack import Port, Stack, wait_until

ZSTD = {"content_encoding": "zstd"}


def stored_zstd(data):
    """A zstd frame that holds data as it is (RFC 8878, raw blocks)."""
    blocks = [data[i:i + 131072] for i in range(0, len(data), 131072)] or [b""]
    return _frame(*((len(block), 0, block) for block in blocks))


def bomb(megabytes, first=b""):
    """A zstd frame of a few kilobytes: blanks, 128 KiB a block."""
    return _frame((len(first), 0, first), *[(131072, 1, b" ")] * (8 * megabytes))


def _frame(*blocks):
    out = b"\x28\xb5\x2f\xfd\x00\x38"  # magic, no size, window of 128 KiB
    for i, (size, kind, content) in enumerate(blocks):
        out += ((i == len(blocks) - 1) | kind << 1 | size << 3).to_bytes(3, "little") + content
    return out


# Stacks -------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def line(migrated, bin_dir, run_dir, numbers):
    """Writer, parser, summarizer and a Desk."""
    name = f"t{next(numbers)}"
    stack = Stack(migrated, bin_dir, run_dir.subdir(name), name, ENV | {"PARSE_TIMEOUT": "2m"})  # a sanitizer is slow at zeros
    with contextlib.closing(stack):
        programs = {program: stack.start(program, wait=False) for program in ("writer", "parser", "summarizer")}
        for program in programs.values():
            program.wait_ready()
        yield types.SimpleNamespace(stack=stack, desk=Desk(stack), **programs)
        assert set(stack.stop_all().values()) == {0}  # a sanitizer would tell of leaks now


@pytest.fixture
def desk(request, line):
    """The Desk; afterwards books are closed, no program has ended, nothing waits, the parser's child is the one it was."""
    request.node.gistmill_logs = [line.stack.logs]
    family = line.parser.family()
    yield line.desk
    wait_until(lambda: not any(depth for queue, depth in line.stack.depths().items() if queue != "url"), 20,
               lambda: f"no message left: {line.stack.depths()}")
    assert line.stack.books() == []
    assert [program.status() for program in line.stack.programs] == [None] * 3
    assert line.parser.family() == family


def bad_records(stack, after):
    return stack.query("select * from bad_record where id > %s order by id", after)


def last_bad_record(stack):
    return stack.value("select coalesce(max(id), 0) from bad_record")


def publish(stack, queue, messages):
    with stack.broker.channel() as channel:
        for message in messages:
            properties = pika.BasicProperties(delivery_mode=2, **message.properties)
            channel.basic_publish("", stack.prefix + queue, message.body, properties, mandatory=True)


# What may be wrong with a record --------------------------------------------------------------------------------------------

def without(record, *names):
    return {key: value for key, value in record.items() if key not in names}


def with_raw(record, raw):
    """The record with these bytes in a string."""
    return pack(record | {"title": "HERE"}).replace(b"HERE", raw)


# name: (bytes made of a good record, reason given)
DAMAGE = {
    "garbage": (lambda r: bytes(range(255, -1, -1)), "not UTF-8, or holds a NUL byte"),
    "words": (lambda r: b"hello world", "not JSON at byte 0"),
    "cut": (lambda r: pack(r)[:-1], "not JSON at byte "),
    "more": (lambda r: pack(r) + b"{}", "bytes after the record at byte "),
    "nested": (lambda r: b"[" * 30_000, "not JSON at byte "),
    "number": (lambda r: b"42", "not a JSON object"),
    "text": (lambda r: pack(json.dumps(r)), "not a JSON object"),
    "null": (lambda r: b"null", "not a JSON object"),
    "no-version": (lambda r: pack(without(r, "v")), "v: missing"),
    "version-0": (lambda r: pack(r | {"v": 0}), "v: not a version number"),
    "version-text": (lambda r: pack(r | {"v": "1"}), "v: not a version number"),
    "version-1.5": (lambda r: pack(r | {"v": 1.5}), "v: not a version number"),
    "no-kind": (lambda r: pack(without(r, "kind")), "kind: missing"),
    "unknown-kind": (lambda r: pack(r | {"kind": "poem"}), "kind: not a known kind"),
    "other-kind": (lambda r: pack(r | {"kind": "ticket"}), "kind: ticket is not expected here"),
    "no-page": (lambda r: pack(without(r, "page")), "page: missing"),
    "no-release": (lambda r: pack(without(r, "release")), "release: missing"),
    "page-number": (lambda r: pack(r | {"page": int(r["page"])}), "page: not a string of digits"),
    "page-huge": (lambda r: pack(r | {"page": "9" * 19}), "page: not a string of digits"),
    "page-negative": (lambda r: pack(r | {"page": "-1"}), "page: not a string of digits"),
    "twice": (lambda r: pack(r)[:-1] + b',"release":"1"}', "release: there twice"),
    "title-number": (lambda r: pack(r | {"title": 1}), "title: not a string"),
    "title-long": (lambda r: pack(r | {"title": "x" * 1025}), "title: longer than 1024 bytes"),
    "url": (lambda r: pack(r | {"url": "ftp://desk.test/"}), "url: not an http URL of at most 2048 bytes"),
    "status": (lambda r: pack(r | {"status": 1000}), "status: not an integer from 0 to 999"),
    "time": (lambda r: pack(r | {"fetched_at": 2 ** 60}), "fetched_at: not an integer from 0 to 2^53"),
    "links": (lambda r: pack(r | {"links": ["http://a/", "nonsense"]}), "links: entry 2 is not an http URL of at most 2048 bytes"),
    "many-links": (lambda r: pack(r | {"links": ["http://a/"] * (50_001 if r["kind"] == "empty" else 5_001)}),
                   "links: more than 5000"),
    "nul": (lambda r: with_raw(r, b"\0"), "not UTF-8, or holds a NUL byte"),
    "nul-escaped": (lambda r: with_raw(r, b"\\u0000"), "holds U+0000"),
    "surrogate": (lambda r: with_raw(r, b"\xed\xa0\x80"), "not UTF-8, or holds a NUL byte"),
    "surrogate-escaped": (lambda r: with_raw(r, b"\\ud83d!"), "not JSON at byte "),
    "latin-1": (lambda r: with_raw(r, b"caf\xe9"), "not UTF-8, or holds a NUL byte"),
    "overlong": (lambda r: with_raw(r, b"\xc0\x80"), "not UTF-8, or holds a NUL byte"),
}

# These are about whole messages, whose bodies may be compressed.
PACKED = {
    "empty": (lambda r: Message(b""), "empty"),
    "blanks": (lambda r: Message(b" " * 5_000_000), "not JSON at byte "),
    "zeros": (lambda r: Message(b"\0" * 5_000_000), "not UTF-8, or holds a NUL byte"),
    "packed-blanks": (lambda r: Message(bomb(5), **ZSTD), "not JSON at byte "),
    "bomb": (lambda r: Message(bomb(1024), **ZSTD), "too large when unpacked"),
    "bomb-behind": (lambda r: Message(bomb(64, pack(r)), **ZSTD), "too large when unpacked"),
    "not-packed": (lambda r: Message(pack(r), **ZSTD), "not zstd"),
    "packed-empty": (lambda r: Message(b"", **ZSTD), "cut short"),
    "packed-cut": (lambda r: Message(stored_zstd(pack(r))[:-1], **ZSTD), "cut short"),
    "packed-more": (lambda r: Message(stored_zstd(pack(r)) + b"x", **ZSTD), "trailing bytes"),
    "packed-unsaid": (lambda r: Message(stored_zstd(pack(r))), "not UTF-8, or holds a NUL byte"),
    "packed-garbage": (lambda r: Message(stored_zstd(bytes(range(256))), **ZSTD), "not UTF-8, or holds a NUL byte"),
}


# The record is about another page than the message, a neighbour: whoever sent it must not speak for that.
OTHERS = {
    "other-page": (lambda r: Message(pack(r | {"page": str(int(r["page"]) - 1)})), "page: not the one of the message"),
    "other-release": (lambda r: Message(pack(r | {"release": "7"})), "page: not the one of the message"),
}


def bad_messages(make, tickets, encodings):
    """{name: (Message, reason)}, one of each kind of damage, each about a page of its own."""
    found = {}
    for name, (damage, reason) in DAMAGE.items():
        ticket = next(tickets)
        found[name] = Message(damage(make(ticket)), message_id=Desk.id(ticket)), reason
    for name, (build, reason) in (PACKED | encodings).items():
        ticket = next(tickets)
        message = build(make(ticket))
        message.properties["message_id"] = Desk.id(ticket)
        found[name] = message, reason
    return found


def with_neighbours(good, bad):
    """good, bad, good, bad, …, good"""
    assert len(good) == len(bad) + 1
    mixed = [good[0]]
    for bad_one, good_one in zip(bad, good[1:]):
        mixed += [bad_one, good_one]
    return mixed


def check_bad(stack, bad, after, queue):
    """Each bad message has left one clear record."""
    records = bad_records(stack, after)
    assert {row.message_id: row.reason for row in records}.keys() == {message.properties["message_id"] for message, _ in bad.values()}
    by_id = {row.message_id: row for row in records}
    for name, (message, reason) in bad.items():
        row = by_id[message.properties["message_id"]]
        assert row.reason.startswith(f"{queue}: {reason}"), name
        assert bytes(row.body) == message.body[:16384], name
    assert len(records) == len(bad)


# A queue each ---------------------------------------------------------------------------------------------------------------

def test_seed(desk, line):
    """The rest of the entrance is in test_entrances.py."""
    with frozen(line.writer):
        desk.stack.publish("seed", b"http://desk.test/first", b"\xff" * 100, b"{" * 1000, b"\0" * 5_000_000, b"http://desk.test/last")
    for url in ("http://desk.test/first", "http://desk.test/last"):
        wait_until(lambda u=url: desk.stack.value("select id from page where url = %s", u), 20, "admitted")
    assert [row.reason for row in desk.stack.query("select reason from bad_request order by id")] == \
        ["not UTF-8 text", "begins like JSON, but is none", "not UTF-8 text"]


def test_url(make_stack):
    """Tickets that cannot be read end their pages; what is no record at all is taken for a seed."""
    stack = make_stack(**ENV)
    stack.start("writer")
    desk = Desk(stack)
    tickets = desk.tickets(len(DAMAGE) + 1)
    spoilt = {name: ticket for (name, (_, reason)), ticket in zip(DAMAGE.items(), tickets)}
    messages = {name: Message(DAMAGE[name][0](ticket), message_id=desk.id(ticket)) for name, ticket in spoilt.items()}
    for name in ("unknown-kind", "other-kind"):  # it is a ticket, after all
        messages[name].body = pack(spoilt[name] | {"kind": "poem" if name == "unknown-kind" else "returned"})
    with Server(Pages({"/good": page("Good")})) as server:
        good = tickets[-1] | {"url": server.url("/good")}
        fetcher = stack.start("fetcher")
        with frozen(fetcher):
            publish(stack, "url", [*messages.values(), Message(pack(good), message_id=desk.id(good))])
        wait_until(lambda: stack.depths()["html"] == 1, 20, "the good one is fetched")
    seeds = {name for name, (_, reason) in DAMAGE.items() if not re.match(r"\w+: ", reason)} | {"no-version"}
    ended = [ticket for name, ticket in spoilt.items() if name not in seeds]
    assert desk.states(ended) == [("error", "BAD_RECORD")] * len(ended)
    reasons = {row.message_id: row.reason for row in bad_records(stack, 0)}
    assert len(reasons) == len(ended)
    for name in spoilt.keys() - seeds - {"other-kind"}:
        assert reasons[desk.id(spoilt[name])].startswith("url: " + DAMAGE[name][1]), name
    assert reasons[desk.id(spoilt["other-kind"])] == "url: kind: returned is not expected here"
    wait_until(lambda: stack.value("select count(*) from bad_request") == len(seeds), 20, "the others were refused as seeds")
    assert fetcher.alive() and stack.books() == []


def test_html(desk, line):
    count = len(DAMAGE)
    tickets = desk.tickets(2 * count + 1)
    good, spoilt = tickets[:count + 1], tickets[count + 1:]
    after = last_bad_record(desk.stack)
    ends = {"nul": "not JSON at byte "}  # a header ends there
    bad = {name: (desk.html(ticket, header=damage(desk.page(ticket))), ends.get(name, reason))
           for (name, (damage, reason)), ticket in zip(DAMAGE.items(), spoilt)}
    with frozen(line.parser):
        publish(desk.stack, "html", with_neighbours([desk.html(ticket) for ticket in good], [message for message, _ in bad.values()]))
    assert desk.states(good) == [("stored", "OK")] * len(good)
    assert desk.states(spoilt) == [("error", "BAD_RECORD")] * count
    check_bad(desk.stack, bad, after, "html")


def test_html_bodies(desk):
    """The header is right, the body is not what it says, or nothing an article could be in."""
    cases = {
        "no header": (Message(b"<p>x"), "error", "BAD_RECORD", "empty"),
        "not packed": (Message(b"<p>x", **ZSTD), "error", "BAD_RECORD", "the body cannot be unpacked: not zstd"),
        "cut": (Message(stored_zstd(b"<p>x" * 99)[:-1], **ZSTD), "error", "BAD_RECORD", "the body cannot be unpacked: cut short"),
        "unknown": (Message(gzip.compress(b"<p>x"), content_encoding="gzip"), "error", "BAD_RECORD", "unknown content_encoding"),
        "5 MB": (Message(b" " * 5_000_000), "error", "BAD_RECORD", "larger than any message of ours"),
        "20 MB": (Message(b" " * 20_000_000), "error", "BAD_RECORD", "larger than any message of ours"),
        "bomb": (Message(bomb(1024), **ZSTD), "error", "TOO_LARGE", None),
        "5 MB packed": (Message(bomb(5), **ZSTD), "skipped", "NO_ARTICLE", None),
        "zeros": (Message(b"\0" * 1_000_000), "error", "BAD_ENCODING", None),
        "empty": (Message(b""), "skipped", "NO_ARTICLE", None),
        "garbage": (Message(bytes(range(256))), None, None, None),
        "packed unsaid": (Message(stored_zstd(b"<p>x")), "error", "BAD_ENCODING", None),
        "deep": (Message(b"<div>" * 100_000), "skipped", "NO_ARTICLE", None),
    }
    tickets = desk.tickets(len(cases) + 1)
    after = last_bad_record(desk.stack)
    for (name, (message, *_)), ticket in zip(cases.items(), tickets):
        message.properties |= {"message_id": desk.id(ticket)}
        if name != "no header":
            message.properties |= {"headers": {"record": json.dumps(desk.page(ticket))}}
    publish(desk.stack, "html", [message for message, *_ in cases.values()] + [desk.html(tickets[-1])])
    found = dict(zip([*cases, "good"], desk.states(tickets)))
    assert found == {name: (state, code) if state else found[name] for name, (_, state, code, _) in cases.items()} | \
        {"good": ("stored", "OK")}
    assert sorted(row.reason for row in bad_records(desk.stack, after)) == sorted(f"html: {why}" for *_, why in cases.values() if why)


def test_article(desk, line):
    encodings = OTHERS | {"gzip": (lambda r: Message(gzip.compress(pack(r)), content_encoding="gzip"), "content_encoding is neither zstd nor none"),
                 "array": (lambda r: Message(pack([r])), "not a JSON object"),
                 "no-text": (lambda r: Message(pack(without(r, "text"))), "text: missing"),
                 "no-hash": (lambda r: Message(pack(without(r, "hash"))), "hash: missing"),
                 "hash": (lambda r: Message(pack(r | {"hash": "x" * 32})), "hash: not a digest"),
                 "text-long": (lambda r: Message(pack(r | {"text": "long " * 200_000})), "text: longer than 524288 bytes")}
    good, spoilt = both_kinds(desk, encodings)
    after = last_bad_record(desk.stack)
    bad = bad_messages(desk.article, iter(spoilt), encodings)
    with frozen(line.summarizer):
        publish(desk.stack, "article", with_neighbours([Message(pack(desk.article(ticket)), message_id=desk.id(ticket)) for ticket in good],
                                                       [message for message, _ in bad.values()]))
    assert desk.states(good) == [("stored", "OK")] * len(good)
    assert desk.states(spoilt) == [("error", "BAD_RECORD")] * len(spoilt)
    check_bad(desk.stack, bad, after, "article")


def test_summary(desk, line):
    encodings = OTHERS | {"code": (lambda r: Message(pack(r | {"reason": "BECAUSE"})), "reason: not a known code"),
                 "gzip": (lambda r: Message(gzip.compress(pack(r)), content_encoding="gzip"), "not UTF-8, or holds a NUL byte"),
                 "no-text": (lambda r: Message(pack(without(r, "text"))), "text: missing"),
                 "array": (lambda r: Message(pack([r, 7])), "record 2: not a JSON object")}
    good, spoilt = both_kinds(desk, encodings)
    after = last_bad_record(desk.stack)
    bad = bad_messages(desk.summary, iter(spoilt), encodings)
    with frozen(line.writer):
        publish(desk.stack, "summary", with_neighbours([Message(pack(desk.summary(ticket)), message_id=desk.id(ticket)) for ticket in good],
                                                       [message for message, _ in bad.values()]))
    assert desk.states(good) == [("stored", "OK")] * len(good)
    assert desk.states(spoilt) == [("error", "BAD_RECORD")] * len(spoilt)
    check_bad(desk.stack, bad, after, "summary")


def both_kinds(desk, more):
    """Tickets for the good messages and for the bad ones."""
    count = len(DAMAGE) + len(PACKED) + len(more)
    tickets = desk.tickets(2 * count + 1)
    return tickets[:count + 1], tickets[count + 1:]


def test_report(desk, line):
    encodings = OTHERS | {"no-code": (lambda r: Message(pack(without(r, "code"))), "code: missing"),
                 "code": (lambda r: Message(pack(r | {"code": "SO_SO"})), "code: not a known code"),
                 "many": (lambda r: Message(pack([r] * 1001)), "1001 records, not 1 to 1000"),
                 "second": (lambda r: Message(pack([r, without(r, "release")])), "record 2: release: missing"),
                 "article": (lambda r: Message(pack(r | {"kind": "article"})), "kind: article is not expected here")}
    good, spoilt = both_kinds(desk, encodings)
    after = last_bad_record(desk.stack)
    bad = bad_messages(desk.empty, iter(spoilt), encodings)
    with frozen(line.writer):
        publish(desk.stack, "report", with_neighbours([Message(pack([desk.empty(ticket)])) for ticket in good],
                                                      [message for message, _ in bad.values()]))
    assert desk.states(good) == [("skipped", "NO_ARTICLE")] * len(good)
    assert desk.states(spoilt) == [("error", "BAD_RECORD")] * len(spoilt)
    check_bad(desk.stack, bad, after, "report")


def test_report_that_names_no_page(desk, line):
    """Most reports carry several records and no id: then there is no page to end, but a record all the same."""
    ticket, good = desk.tickets(2)
    after = last_bad_record(desk.stack)
    with frozen(line.writer):
        publish(desk.stack, "report", [Message(pack([desk.empty(ticket), 7])), Message(pack(desk.empty(good)))])
    assert desk.states([good]) == [("skipped", "NO_ARTICLE")]
    row = wait_until(lambda: bad_records(desk.stack, after), 20, "a bad record")[0]
    assert (row.message_id, row.reason) == ("", "report: record 2: not a JSON object")
    assert desk.stack.value("select state from page where id = %s", ticket["page"]) == "scheduled"
    publish(desk.stack, "report", [Message(pack(desk.empty(ticket)))])
    assert desk.states([ticket]) == [("skipped", "NO_ARTICLE")]


def test_records_that_do_not_fit_the_books(desk, line):
    """Well-formed, but of pages or releases that are not there, or not what their queue is for: said, and nothing else."""
    tickets = desk.tickets(4)
    summary, release, nobody, late = tickets
    messages = [Message(pack(without(desk.summary(summary), "summary"))),
                Message(pack(desk.summary(release) | {"release": "7"})),
                Message(pack(desk.summary(nobody) | {"page": "999999999"})),
                Message(pack(desk.summary(late)))]
    with frozen(line.writer):
        publish(desk.stack, "summary", messages)
        publish(desk.stack, "report", [Message(pack([desk.record(nobody, "robots", status=404) | {"host": "999999999"},
                                                     desk.verdict(release) | {"release": "7"},
                                                     desk.record(nobody, "returned") | {"release": "7"}]))])
    assert desk.states([summary, late]) == [("error", "BAD_RECORD"), ("stored", "OK")]
    publish(desk.stack, "report", [Message(pack([desk.verdict(ticket) for ticket in tickets]))])
    assert desk.states(tickets) == [("error", "BAD_RECORD"), ("error", "HTTP_4XX"), ("error", "HTTP_4XX"), ("stored", "OK")]


def test_dead(desk, line):
    """Whatever comes there is kept as bytes and never read; an id ends its page."""
    tickets = desk.tickets(7)
    known, again, told, newer, spoilt, long, good = tickets
    header = json.dumps(desk.verdict(told, code="BAD_RECORD", detail="somewhere: because"))
    cases = [
        (Message(b"\xff\0garbage", message_id=desk.id(known)), "killed its consumers over and over"),
        (Message(pack({"v": 99}), message_id=desk.id(again), type="article.v1"), "killed its consumers over and over"),
        (Message(b"told", message_id=desk.id(told), type="bad.v1", headers={"record": header}), "somewhere: because"),
        (Message(b"newer", message_id=desk.id(newer), type="bad.v1", headers={"record": '{"v":2}'}), "killed its consumers over and over"),
        (Message(b"spoilt", message_id=desk.id(spoilt), type="bad.v1", headers={"record": b"\xff"}), "killed its consumers over and over"),
        (Message(b"\0" * 5_000_000, message_id=desk.id(long)), "killed its consumers over and over"),
        (Message(b"", message_id="nonsense"), "killed its consumers over and over"),
        (Message(b"number", type="bad.v1", headers={"record": 7}), "killed its consumers over and over"),
        (Message(b"id", message_id=b"caf\xe9 \xff"), "killed its consumers over and over"),
        (Message(b"id", message_id="9" * 200), "killed its consumers over and over"),
        (Message(bomb(1024), **ZSTD), "killed its consumers over and over"),
    ]
    after = last_bad_record(desk.stack)
    with frozen(line.writer):
        publish(desk.stack, "dead", [message for message, _ in cases])
        publish(desk.stack, "report", [Message(pack(desk.empty(good)))])
    codes = [code for _, code in desk.states(tickets)]
    assert codes == ["LOST", "LOST", "BAD_RECORD", "LOST", "LOST", "LOST", "NO_ARTICLE"]
    rows = bad_records(desk.stack, after)
    assert [(bytes(row.body), row.reason, row.queue) for row in rows] == [(m.body[:16384], reason, "dead") for m, reason in cases]
    assert rows[8].message_id == "caf� �"


@pytest.mark.parametrize("queue", ["html", "article", "summary", "report"])
def test_strange_ids(desk, queue):
    """The id is only a hint: whatever it is, the message is kept."""
    ids = [b"\xff\xfe", b"caf\xe9", "1", "1.", ".1", "1.1.1", "-1.1", "99999999999999999999.1", "0.1", "x" * 255]
    after = last_bad_record(desk.stack)
    publish(desk.stack, queue, [Message(b"nonsense", message_id=one) for one in ids])
    rows = wait_until(lambda: len(found := bad_records(desk.stack, after)) == len(ids) and found, 20, "a record of each")
    assert {bytes(row.body) for row in rows} == {b"nonsense"}
    assert {row.message_id for row in rows} == {one if isinstance(one, str) else one.decode(errors="replace") for one in ids}


# A database that refuses ------------------------------------------------------------------------------------------------------

def test_what_the_database_refuses_is_found_alone(desk, line):
    """A batch with values that PostgreSQL will not store is halved until each of them is alone."""
    stack = desk.stack
    tickets = desk.tickets(40)
    for table, column in (("article", "text"), ("page", "url"), ("attempt", "detail")):
        stack.query(f"alter table {table} add constraint refuse_{table} check ({column} !~ 'unstorable') not valid")
    after = last_bad_record(stack)
    spoilt = {3, 4, 20, 39}
    records = [desk.summary(ticket) for ticket in tickets[:30]] + [desk.verdict(ticket, detail="so") for ticket in tickets[30:]]
    for i in spoilt:
        records[i] |= {"text": "unstorable", "hash": f"{i:032x}"} if i < 30 else {"detail": "unstorable"}
    with frozen(line.writer):
        publish(stack, "summary", [Message(pack(record), message_id=desk.id(record)) for record in records[:30]])
        publish(stack, "report", [Message(pack(record), message_id=desk.id(record)) for record in records[30:]])
        publish(stack, "seed", [Message(b"http://desk.test/before"), Message(b"http://desk.test/unstorable"), Message(b"http://desk.test/after")])
    expected = [("stored", "OK")] * 30 + [("error", "HTTP_4XX")] * 10
    for i in spoilt:
        expected[i] = ("error", "BAD_RECORD")
    assert desk.states(tickets) == expected
    for url in ("http://desk.test/before", "http://desk.test/after"):
        wait_until(lambda u=url: stack.value("select count(*) from page where url = %s", u) == 1, 20, "admitted")
    assert stack.value("select count(*) from page where url = 'http://desk.test/unstorable'") == 0
    rows = bad_records(stack, after)
    assert {(row.queue, row.message_id) for row in rows} == \
        {("summary" if i < 30 else "report", desk.id(tickets[i])) for i in spoilt} | {("seed", "")}
    assert all("violates check constraint" in row.reason for row in rows)
    for table in ("article", "page", "attempt"):
        stack.query(f"alter table {table} drop constraint refuse_{table}")


# Newer versions -------------------------------------------------------------------------------------------------------------------

STAGES = {"url": "fetcher", "html": "parser", "article": "summarizer", "summary": "writer", "report": "writer"}


def ready(port):
    """(status, text) of /readyz."""
    return get(port, "/readyz")[::2]


def newer(queue):
    """A message of version 2 and its neighbours, one before and one behind it; bodies that need no page."""
    record = {"v": 2, "kind": "poem", "lines": 4}
    if queue == "html":
        return Message(b"newer", headers={"record": json.dumps(record)})
    return Message(pack([{"v": 1, "kind": "returned", "page": "0", "host": "1", "release": "1"}, record] if queue == "report" else record))


@pytest.mark.parametrize("queue", STAGES)
def test_a_newer_version_stops_the_program(make_stack, queue):
    """It hands everything back, says so, and takes nothing more; started again, the same. Nothing is lost."""
    stack = make_stack()
    program = stack.start(STAGES[queue])
    program.terminate()
    port = Port()
    number = stack.prefix + queue
    publish(stack, queue, [newer(queue), Message(b"neighbour")])
    for _ in range(2):
        program = stack.start(STAGES[queue], wait=False, METRICS_ADDR=f"127.0.0.1:{port}")
        wait_until(lambda p=program: p.log_lines(level="error"), 20, "it says so")
        assert "newer version" in program.log_lines(level="error")[0]["msg"]
        wait_until(lambda: ready(port) == (503, "met a message of a newer version; update this program\n"), 20, "not ready")
        wait_until(lambda: stack.depths()[queue] == 2, 20, "both are back")
        program.terminate()
        assert program.status() == 0
    assert stack.depths()["dead"] == 0
    # Whoever can read it takes it; then the neighbour has its turn.
    taken = {stack.broker.get(number)[1] for _ in range(2)}
    assert taken == {newer(queue).body, b"neighbour"}
    stack.publish(queue, b"neighbour")
    program = stack.start(STAGES[queue], METRICS_ADDR=f"127.0.0.1:{port}")
    wait_until(lambda: stack.depths()[queue] == 0, 20, "the neighbour is taken")
    assert ready(port) == (200, "ready\n")
