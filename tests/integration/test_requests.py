"""What a gateway needs of database and writer: requests taken once, numbers without gaps, search, deletion, the state of the line."""

import json
import threading
import uuid

import psycopg2
import pytest

from support.crawl import QUICK, Site, chance, kill, same
from support.desk import ENV, Desk, pack
from support.site import Pages, Reply, Server, Synthetic, page
from support.stack import wait_until


def ask(stack, body, **how):
    """Writes a request down. Returns (id, fresh, conflict)."""
    names = {"key_id": "bigint", "idem": "text", "express": "boolean", "inbox": "boolean", "force": "boolean"}
    arguments = "".join(f", {name} => %s::{names[name]}" for name in how)
    body = body if isinstance(body, str) else json.dumps(body)
    row = stack.query(f"select id::text, fresh, conflict from request_add(%s{arguments})", body, *how.values())[0]
    return row.id, row.fresh, row.conflict


def taken(stack, request, deadline=30):
    """The row of a request, once it is taken."""
    return wait_until(lambda: next(iter(stack.query("select * from request where id = %s and taken_at is not null", request)), None),
                      deadline, lambda: f"request {request} is taken: {stack.query('select * from request')}")


def numbers(stack, crawl):
    """(numbers of what happened, in order; the crawl's own; the last number given), of one moment."""
    with stack.database.connect(stack.name) as connection:
        connection.autocommit = False
        connection.set_session(isolation_level="REPEATABLE READ")
        with connection.cursor() as cursor:
            cursor.execute("select event, what, page_id from crawl_events(%s, 0, 1000000)", (crawl,))
            rows = cursor.fetchall()
            cursor.execute("select event from crawl where id = %s", (crawl,))
            return [row.event for row in rows], [row.what for row in rows if row.page_id is None], cursor.fetchone()[0]


# Requests ---------------------------------------------------------------------------------------------------------------

def test_request_makes_a_crawl(stack):
    """It is found by the request's id, ends as any crawl, and its numbers run from `started` to `completed`."""
    site = Synthetic(30, 4)
    stack.start_all()
    with Server(site) as server:
        request, fresh, conflict = ask(stack, {"url": server.url("/0"), "depth": 9, "limit": 100})
        assert (fresh, conflict) == (True, False)
        row = taken(stack, request)
        assert row.error is None and row.crawl_id == stack.crawl().id and str(stack.crawl().public_id) == request
        done = stack.wait_completed(row.crawl_id)
        assert done.stored == site.pages
        for name in (request, str(row.crawl_id), request.upper()):
            assert stack.value("select crawl_find(%s)", name) == row.crawl_id
        assert stack.value("select crawl_find(%s)", str(uuid.uuid4())) is None and stack.value("select crawl_find('x')") is None
        seen, own, last = numbers(stack, row.crawl_id)
        assert seen == list(range(1, site.pages + 3)) and last == seen[-1]
        assert own == ["started", "completed"]
        # asked for again, by another request and as a message: the same crawl, another run
        second, _, _ = ask(stack, {"limit": 100, "depth": 9, "url": server.url("/0")})
        assert taken(stack, second).crawl_id == row.crawl_id
        assert wait_until(lambda: (c := stack.wait_completed(row.crawl_id)).run == 2 and c, 30, "a second run").admitted == site.pages
        assert str(stack.crawl().public_id) == request and stack.value("select crawl_find(%s)", second) == row.crawl_id
    assert stack.books() == []


def test_equal_requests_while_it_runs(make_stack):
    """Two who want the same at the same time get the same crawl, in one run."""
    stack = make_stack()
    stack.start("writer", count=2)
    wish = {"url": "http://desk.test/", "depth": 1}
    ids = [ask(stack, wish)[0] for _ in range(10)]
    rows = [taken(stack, request) for request in ids]
    assert len({row.crawl_id for row in rows}) == 1 and stack.crawl().run == 1
    assert ask(stack, wish, idem="a") != ask(stack, wish, idem="b")
    assert stack.value("select count(*) from crawl where not is_inbox") == 1


REFUSED = [
    ({"url": "ftp://x.test/"}, "url", "url: "),
    ({"depth": 2}, "url", "url: missing"),
    ({"url": "http://x.test/", "depth": -1}, "depth", "depth: must be a whole number from 0 to 1000"),
    ({"url": "http://x.test/", "colour": 1}, "colour", "colour: unknown field"),
    ({"url": "http://x.test/", "exclude": ["("]}, "exclude", "exclude[0]: "),
    ({"urls": ["http://x.test/", "mailto:x"]}, "urls", "urls: number 2: "),
    ({"urls": []}, "urls", "urls: must be a list"),
    ({"urls": ["http://x.test/[1-9000]", "http://x.test/[1-9000]"]}, "urls", "urls: number 2: more than 10000 URLs"),
    ({"urls": ["http://x.test/"], "url": "http://x.test/"}, "url", "url: not together with urls"),
    ("http://x.test/", None, "not a JSON object"),
    ("{", None, "begins like JSON"),
    ("[1]", None, "JSON, but no object"),
]


def test_refused_requests_say_why(stack):
    stack.start("writer")
    ids = [ask(stack, body)[0] for body, _, _ in REFUSED]
    good, _, _ = ask(stack, {"url": "http://x.test/"})
    for request, (body, field, words) in zip(ids, REFUSED):
        row = taken(stack, request)
        assert row.crawl_id is None and row.field == field and row.error.startswith(words), (body, row.field, row.error)
    assert taken(stack, good).error is None
    assert stack.value("select count(*) from bad_request") == 0 and stack.value("select count(*) from crawl where not is_inbox") == 1


def test_lists_the_inbox_and_the_express_lane(make_stack):
    """A list makes one crawl; a bare URL makes one, too, unless it is for the inbox; `force` asks again for what is known."""
    stack = make_stack()
    stack.start_all()
    with Server(Pages({f"/{n}": page(str(n)) for n in range(5)})) as server:
        request, _, _ = ask(stack, {"urls": [server.url("/[0-2]"), server.url("/4")], "depth": 0})
        row = taken(stack, request)
        done = stack.wait_completed(row.crawl_id)
        assert (done.stored, done.seed) == (4, server.url("/0"))
        bare = taken(stack, ask(stack, {"url": server.url("/3")})[0])
        assert stack.wait_completed(bare.crawl_id).max_depth == 2
        wish = {"url": server.url("/1")}
        inbox = taken(stack, ask(stack, wish, inbox=True, express=True)[0])
        assert stack.value("select is_inbox and priority < 0 from crawl where id = %s", inbox.crawl_id)
        wait_until(lambda: stack.value("select state::text from page where crawl_id = %s", inbox.crawl_id) == "stored", 30, "it is stored")
        hits = len(server.hits())
        taken(stack, ask(stack, wish, inbox=True, express=True)[0])
        assert stack.value("select state::text from page where crawl_id = %s", inbox.crawl_id) == "stored"
        taken(stack, ask(stack, wish, inbox=True, express=True, force=True)[0])
        wait_until(lambda: len(server.hits()) > hits, 30, "it is asked for again")
        wait_until(lambda: stack.value("select state::text from page where crawl_id = %s", inbox.crawl_id) == "stored", 30, "and stored")
        plain = taken(stack, ask(stack, wish, inbox=True)[0])
        assert stack.value("select is_inbox and priority = 0 from crawl where id = %s", plain.crawl_id)
    assert stack.books() == []


def test_idempotency(stack):
    """The key finds its request, whoever wins; another body is a conflict; keys of others are others."""
    stack.query("insert into api_key (name, sha256, rate_per_minute) values ('a', sha256('a'), 10), ('b', sha256('b'), null)")
    wish, other = {"url": "http://x.test/"}, {"url": "http://y.test/"}
    found, hands = [], []
    for _ in range(8):
        hands.append(threading.Thread(target=lambda: found.append(ask(stack, wish, idem="k", key_id=1))))
        hands[-1].start()
    for hand in hands:
        hand.join(90)
    assert len({row[0] for row in found}) == 1 and sorted(row[1] for row in found) == [False] * 7 + [True]
    assert ask(stack, other, idem="k", key_id=1) == (found[0][0], False, True)
    assert ask(stack, wish, idem="k", key_id=1, express=True)[2] is True
    assert ask(stack, other, idem="k", key_id=2)[1:] == (True, False)
    assert ask(stack, other, idem="k")[1:] == (True, False) and ask(stack, other, idem="k")[1:] == (False, False)
    with pytest.raises(psycopg2.errors.CheckViolation):
        ask(stack, "x" * 1_048_577)
    # 10 a minute for the first key, as many as it likes for the second, none for nobody
    assert sum(stack.value("select api_take(1, 4)") for _ in range(5)) in (10, 20)  # a minute may end in between
    assert stack.value("select api_take(2, 4)") == 4 and stack.value("select api_take(3, 4)") == 0
    stack.query("update api_key set revoked_at = now() where id = 2")
    assert stack.value("select api_take(2, 4)") == 0


@pytest.mark.limit(300)
def test_requests_while_writers_die(make_stack):
    """Whatever is killed, each request is taken once: one run a crawl, no bare URL lost."""
    rng = chance()
    stack = make_stack(**QUICK)
    writers = stack.start("writer", count=2)
    ids = []
    for round_ in range(12):
        for n in range(20):
            ids.append(ask(stack, {"url": f"http://desk.test/{round_}/{n}", "depth": 1})[0])
            ids.append(ask(stack, {"url": f"http://desk.test/in/{round_}/{n}"}, inbox=True)[0])
        victim = rng.randrange(2)
        wait_until(lambda: stack.value("select count(*) from request where taken_at is not null") > rng.randrange(len(ids)), 30, "some are taken")
        writers[victim] = kill(stack, writers[victim])
    rows = [taken(stack, request) for request in ids]
    assert all(row.error is None for row in rows)
    assert stack.value("select count(*) from crawl where not is_inbox") == 240 == len({row.crawl_id for row in rows[::2]})
    assert stack.value("select count(*) from crawl where run > 1") == 0
    assert stack.value("select count(*) from page p join crawl c on c.id = p.crawl_id where is_inbox") == 240
    assert stack.books() == []


# Numbers ----------------------------------------------------------------------------------------------------------------

@pytest.mark.limit(300)
def test_numbers_without_gaps(make_stack, maze):
    """Two writers, kills all the time: whoever has read up to a number has missed nothing below it, and `completed` is the last."""
    rng = chance()
    stack = make_stack(**QUICK)
    stack.start_all({"writer": 2})
    crawl = maze.crawl(stack)
    wait_until(stack.crawl, 20, "a crawl")
    number, upto, got, stop = stack.crawl().id, 0, [], threading.Event()
    faults = []

    def follow():
        nonlocal upto
        try:
            with stack.database.connect(stack.name) as connection, connection.cursor() as cursor:
                while True:
                    over = stop.is_set()
                    cursor.execute("select event from crawl_events(%s, %s, 7)", (number, upto))
                    rows = [row[0] for row in cursor.fetchall()]
                    got.extend(rows)
                    upto = rows[-1] if rows else upto
                    if over and not rows:
                        return
        except psycopg2.Error as error:
            faults.append(str(error))
    reader = threading.Thread(target=follow)
    reader.start()
    try:
        for _ in crawl.moments(6, rng):
            kill(stack, rng.choice(stack.running("writer")))
        same(crawl.finish(), maze.wanted)
    finally:
        stop.set()
        reader.join(180)
    assert not faults, faults
    seen, own, last = numbers(stack, number)
    assert got == seen == list(range(1, last + 1)), (len(got), len(seen), last)
    assert own == ["started", "completed"] and last == maze.pages + 2


def test_control_has_numbers(make_stack):
    """Pause, resume, cancel, retry and new runs are told in the order they happened; a page that ends again has a new number."""
    stack = make_stack()
    stack.start_all()
    with Server(Pages({"/": page("home"), "/a": page("a")})) as server:
        request, _, _ = ask(stack, {"url": server.url("/"), "depth": 0})
        crawl = taken(stack, request).crawl_id
        stack.wait_completed(crawl)
        first, _, _ = numbers(stack, crawl)
        assert stack.value("select crawl_recrawl(%s)", crawl)["state"] == "running"
        with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState):
            stack.value("select crawl_recrawl(%s)", crawl)
        stack.wait_completed(crawl)
        seen, own, last = numbers(stack, crawl)
        assert own == ["started", "completed", "started", "completed"] and first == [1, 2, 3] and seen == [1, 3, 4, 5, 6] and last == 6
        for running in stack.running("fetcher"):
            running.terminate(30)
        stack.value("select crawl_recrawl(%s)", crawl)
        wait_until(lambda: stack.crawl(crawl).open == 1, 30, "its page waits")
        for control in ("pause", "resume", "cancel", "cancel"):
            stack.value(f"select crawl_{control}(%s)", crawl)
        assert numbers(stack, crawl)[1][4:8] == ["started", "paused", "resumed", "cancelling"]
    assert stack.books() == []


# Search -----------------------------------------------------------------------------------------------------------------

TEXTS = {
    "en": "Foxes were running through gardens of the town. " * 12 + "They looked for something to eat.",
    "de": "Die Häuser der Altstadt wurden nach dem Brand wieder aufgebaut. " * 12 + "Viele Besucher kommen.",
    "xx": "Blorp zanfel quux in the middle. " * 12,
}


def test_search(make_stack):
    """Words in the language of each text; the title weighs more; a crawl can be asked alone; deleted texts are not found."""
    stack = make_stack(**ENV)
    stack.start("writer")
    desk = Desk(stack)
    tickets = desk.tickets(4)
    wishes = [("en", "Animals"), ("de", "Wiederaufbau"), ("xx", "Foxes"), ("en", "A copy of animals")]
    for ticket, (lang, title) in zip(tickets, wishes):
        record = desk.summary(ticket) | {"text": TEXTS[lang], "title": title, "lang": lang, "hash": f"{ord(lang[0]):032x}"}
        stack.publish("summary", pack(record))
    assert desk.states(tickets) == [("stored", "OK")] * 4
    wait_until(lambda: stack.value("select search_waiting()") == 0, 30, "all is read")

    def found(query, **more):
        return [(row.title, row.lang) for row in stack.query("select * from search(%s, lim => %s, skip => %s, crawl => %s)", query,
                                                              more.get("lim", 20), more.get("skip", 0), more.get("crawl"))]
    assert found("run garden") == [("A copy of animals", "en")]  # each text once, with its newest page
    assert found("Haus Besucher") == [("Wiederaufbau", "de")]
    assert [title for title, _ in found("fox")] == ["A copy of animals"] and [title for title, _ in found("foxes")][0] == "Foxes"
    assert found("foxes -running") == [("Foxes", "xx")] and found('"running gardens"') == []
    assert found("') | nonsense & (((") == [] and found("") == []
    assert found("foxes", lim=1, skip=1) == [("A copy of animals", "en")] and found("foxes", crawl=2) == []
    snippet = stack.query("select snippet from search('garden')")[0].snippet
    assert "\x02gardens\x03" in snippet
    assert stack.value("select count(*) from article_search") == 3


def test_search_knows_the_summary_that_is_there(make_stack):
    """Another recipe, in a later page with that text, or by resummarise(): the words of the old summary are gone, title and text stay."""
    stack = make_stack(**ENV)
    stack.start("writer")
    desk = Desk(stack)
    first, second = desk.tickets(2)

    def stored(ticket, **fields):
        stack.publish("summary", pack(desk.summary(ticket) | {"title": "Gardens", "lang": "en", **fields}))

    def finds(word):
        wait_until(lambda: stack.value("select search_waiting()") == 0, 30, "all is read")
        return [row.page_id for row in stack.query("select * from search(%s)", word)]

    stored(first, summary="Of zebras.", hash=32 * "a")
    assert desk.states([first]) == [("stored", "OK")]
    assert len(finds("zebra")) == 1 and len(finds("garden")) == 1 and finds("giraffe") == []
    stored(second, summary="Of giraffes.", hash=32 * "a", recipe=32 * "b")
    assert desk.states([second]) == [("stored", "OK")]
    assert finds("zebra") == [] and len(finds("giraffe")) == 1 and len(finds("garden")) == 1
    stack.query("select resummarise()")
    wait_until(lambda: stack.value("select count(*) from resummary where sent_at is not null") == 1, 20, "it is sent")
    stored(first, summary="Of walruses.", hash=32 * "a", recipe=32 * "c", engine="llm", model="m", again=1)
    wait_until(lambda: stack.value("select count(*) from resummary") == 0, 20, "it has come")
    assert finds("giraffe") == [] and len(finds("walrus")) == 1 and len(finds("garden")) == 1
    assert stack.value("select count(*) from article_search") == 1 and stack.books() == []


# Deletion ---------------------------------------------------------------------------------------------------------------

@pytest.mark.limit(300)
def test_deletion(make_stack):
    """A crawl goes with all that is its own; texts that others have stay; the books are closed at each look; others go on."""
    stack = make_stack(**QUICK)
    stack.start_all({"writer": 2})
    site = Synthetic(60, 4)
    with Server(site) as server:
        def crawl(path, limit):
            return stack.wait_completed(taken(stack, ask(stack, {"url": server.url(path), "depth": 20, "limit": limit})[0]).crawl_id)
        first, second = crawl("/0", 1000), crawl("/1", 20)
        assert (first.stored, second.stored) == (60, 20)
        with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState):
            stack.query("select crawl_delete(1)")
        name = str(first.public_id)
        assert stack.value("select crawl_delete(%s)", first.id) == {"crawl": str(first.id), "state": "deleted", "pages": 60}
        assert stack.value("select crawl_find(%s)", name) is None
        with pytest.raises(psycopg2.errors.NoDataFound):
            stack.query("select crawl_delete(%s)", first.id)
        again = crawl("/0", 1000)  # meanwhile the same seed makes a new crawl
        assert again.id != first.id and again.stored == 60
        wait_until(lambda: stack.books() == [] and stack.crawl(first.id) is None, 60, "it is gone")
        for table, column in (("page", "crawl_id"), ("crawl_event", "crawl_id"), ("request", "crawl_id"), ("refused", "crawl_id")):
            assert stack.value(f"select count(*) from {table} where {column} = %s", first.id) == 0
        assert stack.value("select count(*) from attempt where page_id not in (select id from page)") == 0
        assert stack.value("select count(*) from article") == stack.value("select count(distinct content_hash) from page")
        # A writer that stands still while it stores holds up no more than the deletion.
        with stack.database.connect(stack.name) as connection, connection.cursor() as cursor:
            cursor.execute("begin; select pg_advisory_xact_lock_shared(72747282)")
            for number in (second.id, again.id):
                stack.query("select crawl_delete(%s)", number)
            other = crawl("/2", 10)
            assert stack.value("select count(*) from crawl where purge_at is not null") == 2
            # Texts that are to be summarised again, in the hand of some summarizer: with pages that are about to go.
            stack.query("insert into resummary (content_hash, page_id, sent_at) select content_hash, min(id), now() from page "
                        "where crawl_id = %s group by 1", again.id)
            cursor.execute("rollback")
        wait_until(lambda: stack.value("select count(*) from crawl where not is_inbox") == 1, 60, "two are gone")
        assert stack.value("select count(*) from resummary where page_id not in (select id from page)") == 0
        stack.query("select crawl_delete(%s)", other.id)
        wait_until(lambda: stack.value("select count(*) from crawl where not is_inbox") == 0, 60, "all are gone")
        assert [stack.value(f"select count(*) from {table}") for table in ("page", "article", "summary", "article_search", "attempt")] == [0] * 5
    assert stack.books() == []


# The line ---------------------------------------------------------------------------------------------------------------

def test_the_line_is_seen(make_stack):
    """Who is there and what waits where; why a crawl does not go on."""
    stack = make_stack(HOST_DELAY="2s", FETCH_FIRST_BYTE_TIMEOUT="5m", FETCH_TIMEOUT="5m")
    seen = threading.Event()
    with Server(Pages({"/": page("home", links=["/a", "/b"]), "/a": page("a"), "/b": Reply(page("b"), until=seen)})) as server:
        stack.start("writer", count=2)
        crawl = taken(stack, ask(stack, {"url": server.url("/"), "depth": 1})[0]).crawl_id

        def why():
            return stack.value("select crawl_why(c) from crawl c where id = %s", crawl)
        wait_until(lambda: why() == "no fetcher is running", 30, why)
        for name in ("fetcher", "parser", "summarizer"):
            stack.start(name)
        wait_until(lambda: (why() or "").startswith(f"polite: next request to {server.url('/')[7:-1]} in "), 30, why)
        wait_until(lambda: stack.value("select count(*) from process") == 5, 30, lambda: stack.query("select * from process"))
        rows = stack.query("select program, state, version, host, pid, why, in_hand from process")
        assert sorted(row.program for row in rows) == ["fetcher", "parser", "summarizer", "writer", "writer"]
        assert {row.pid for row in rows} == {program.pid for program in stack.programs}
        wait_until(lambda: stack.value("select count(*) from process where state = 'leading'") == 1, 30, "one leads")
        wait_until(lambda: stack.value("select count(*) from queue where consumers > 0 and seen_at > now() - interval '5 s'") == 11, 30,
                   lambda: stack.query("select * from queue"))
        stack.query("select crawl_pause(%s)", crawl)
        assert why().startswith("paused since ")
        stack.query("select crawl_resume(%s)", crawl)
        seen.set()
        done = stack.wait_completed(crawl)
        assert why() is None and done.stored == 3
        assert stack.value("select crawl_rate(c) from crawl c where id = %s", crawl) == 0 and done.rate > 1
    assert stack.books() == []


def test_alive_means_nothing_to_others(make_stack):
    """What a program says of itself is no work: a reader that does not know it sees an empty report, and nonsense does no harm."""
    stack = make_stack()
    stack.start("writer")
    for record in ("", "{}", "[]", "{", '{"id":"x"}', '{"id":"x","program":1}'):
        stack.publish("report", b"[]", type="alive.v1", headers={"record": record})
    stack.publish("report", b"[]", type="report.v1")
    wait_until(lambda: stack.depths()["report"] == 0, 30, "they are read")
    assert stack.value("select count(*) from bad_record") == 0 and stack.depths()["dead"] == 0


def test_pages_of_a_url(make_stack):
    """Open, ended, ended once and open again: each is found by its URL, in any crawl."""
    stack = make_stack(**ENV)
    stack.start("writer")
    desk = Desk(stack)

    def known(url):
        return sorted((row.crawl_id, row.state) for row in stack.query(
            "select crawl_id, state::text from page_known(encode(substr(sha256(convert_to(%s, 'UTF8')), 1, 16), 'hex')::uuid)", url))
    inbox = stack.value("select id from crawl where is_inbox and priority = 0")
    ticket, other = desk.tickets(2)
    assert known(ticket["url"]) == [(inbox, "scheduled")] == known(other["url"]) and known("http://desk.test/none") == []
    stack.publish("summary", pack(desk.summary(ticket)))
    assert desk.states([ticket]) == [("stored", "OK")]
    assert known(ticket["url"]) == [(inbox, "stored")]
    crawl = taken(stack, ask(stack, {"url": ticket["url"], "depth": 0})[0]).crawl_id
    found = known(ticket["url"])
    assert found[0] == (inbox, "stored") and found[1:] in ([(crawl, "registered")], [(crawl, "scheduled")])
    ask(stack, {"url": ticket["url"]}, inbox=True, force=True)
    wait_until(lambda: known(ticket["url"])[0][1] != "stored", 30, "it is open again")
    assert len(known(ticket["url"])) == 2
