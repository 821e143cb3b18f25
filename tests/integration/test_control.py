"""Pause, resume, cancel, retry and explain: SQL functions beside any number of writers, with closed books at each look."""

import contextlib
import json
import threading

import psycopg2
import pytest

from support.crawl import QUICK, Crawl, chance, kill, same
from support.desk import ENV, Desk, pack
from support.site import Pages, Reply, Server, Synthetic, page, redirect
from support.stack import wait_until

SEEN = "select sum(release), count(*) filter (where state = 'scheduled') from page"


def ask(stack, function, *arguments):
    """The answer of one of the functions."""
    return stack.value(f"select {function}({', '.join(['%s'] * len(arguments))})", *arguments)


def refused(stack, function, *arguments):
    """(SQLSTATE, words) of an answer that is an error."""
    with pytest.raises(psycopg2.Error) as caught:
        ask(stack, function, *arguments)
    return caught.value.pgcode, caught.value.diag.message_primary


# Pause ------------------------------------------------------------------------------------------------------------------

@pytest.mark.limit(300)
def test_pause_and_resume(make_stack, maze):
    """Nothing is released after the commit, what is in flight comes home, and resuming ends the crawl exactly."""
    stack = make_stack(**QUICK, FETCH_PER_HOST="4")
    stack.start_all({"writer": 2})
    crawl = maze.crawl(stack)
    for part in (0.2, 0.5):
        crawl.reach(part * maze.pages)
        number = stack.crawl().id
        answer = ask(stack, "crawl_pause", number)
        released, _ = stack.query(SEEN)[0]
        assert (answer["crawl"], answer["state"]) == (str(number), "paused")
        assert ask(stack, "crawl_pause", number)["state"] == "paused"
        wait_until(lambda: crawl.look() and stack.query(SEEN)[0][1] == 0, 60, lambda: f"all came home: {crawl.state()}")
        wait_until(lambda: stack.value("select count(*) from host where next_at <> 'infinity'") == 0, 20, "no host is looked at")
        kill(stack, stack.running("writer")[0])  # the next leader does not release either
        stack.running("writer")[-1].wait_ready()
        assert stack.query(SEEN)[0] == (released, 0) and stack.crawl().registered > 0
        assert ask(stack, "crawl_resume", number)["state"] == "running"
        assert ask(stack, "crawl_resume", number)["state"] == "running"
    same(crawl.finish(), maze.wanted)
    assert refused(stack, "crawl_pause", number) == ("55000", f"crawl {number} is completed")
    assert refused(stack, "crawl_resume", number) == ("55000", f"crawl {number} is completed")


@pytest.mark.limit(300)
def test_pause_and_resume_all_the_time(make_stack):
    """Many hands on one crawl, over hosts that are parked and woken all the time: nobody is forgotten, nothing deadlocks."""
    rng = chance()
    site = Synthetic(300, 8)
    stack = make_stack(**QUICK, HOST_DELAY="1ms")
    stack.start_all({"writer": 2})
    with Server(site) as server:
        crawl = Crawl(stack, server.url("/0"), site.pages, depth=20, limit=1000)
        crawl.reach(5)
        number, faults = stack.crawl().id, []

        def fiddle():
            with stack.database.connect(stack.name) as connection, connection.cursor() as cursor:
                while not faults:
                    try:
                        cursor.execute(f"select crawl_{rng.choice(['pause', 'resume', 'resume'])}(%s)", (number,))
                    except psycopg2.errors.ObjectNotInPrerequisiteState:
                        return
                    except psycopg2.Error as error:
                        faults.append(str(error))
        hands = [threading.Thread(target=fiddle) for _ in range(2)]
        for hand in hands:
            hand.start()
        try:
            crawl.reach(200, deadline=120)
        finally:
            faults.append("enough")
            for hand in hands:
                hand.join(90)
        assert faults == ["enough"], faults
        with contextlib.suppress(psycopg2.errors.ObjectNotInPrerequisiteState):
            ask(stack, "crawl_resume", number)
        pages = crawl.finish()
    assert len(pages) == site.pages and {row[1] for row in pages.values()} == {"stored"}


def test_the_others_go_on(make_stack):
    """A paused crawl holds nothing that others need."""
    site = Synthetic(30, 4)
    stack = make_stack()
    with Server(site) as server:
        stack.start("writer")
        stack.seed(server.url("/0"), depth=20, limit=100)
        first = wait_until(stack.crawl, 20, "a crawl").id
        assert ask(stack, "crawl_pause", first)["state"] == "paused"
        stack.seed(server.url("/1"), depth=20, limit=101)
        for name in ("fetcher", "parser", "summarizer"):
            stack.start(name)
        second = stack.wait_completed(first + 1)
        assert second.stored == site.pages and stack.crawl(first).stored <= 1
        assert ask(stack, "crawl_resume", first)["state"] in ("running", "completed")
        assert stack.wait_completed(first).stored == site.pages
    assert stack.books() == []


# Cancel -----------------------------------------------------------------------------------------------------------------

@pytest.mark.limit(300)
def test_cancel_in_the_middle(make_stack):
    """Two writers, programs killed meanwhile: each page ends once, no link is admitted any more. Asked for again, it runs again."""
    rng = chance()
    site = Synthetic(3000, 40)
    stack = make_stack(**QUICK)
    stack.start_all({"writer": 2})
    with Server(site) as server:
        crawl = Crawl(stack, server.url("/0"), site.pages, depth=20, limit=5000)
        crawl.reach(60)
        number = stack.crawl().id
        assert ask(stack, "crawl_cancel", number)["state"] == "cancelling"
        admitted = stack.crawl().admitted
        assert ask(stack, "crawl_cancel", number)["state"] in ("cancelling", "cancelled")
        for name in ("writer", "parser", "fetcher", "summarizer", "writer"):
            crawl.look()
            kill(stack, rng.choice(stack.running(name)))
        crawl.finish()
        row = stack.crawl()
        assert (row.state, row.open, row.admitted) == ("cancelled", 0, admitted)
        assert row.stored >= 60 and row.cancelled > 0 and row.stored + row.cancelled == admitted
        assert ask(stack, "crawl_cancel", number)["state"] == "cancelled"
        assert refused(stack, "crawl_pause", number) == ("55000", f"crawl {number} is cancelled")
        server.log.clear()
        stack.seed(server.url("/0"), depth=20, limit=5000)
        again = wait_until(lambda: (c := stack.crawl()).run == 2 and c.again_after is None and c, 20, "it runs again")
        assert (again.state, again.cancelled) == ("running", 0)
        ask(stack, "crawl_cancel", number)
        crawl.finish()


def test_what_comes_home_to_a_cancelled_crawl(make_stack):
    """An article is stored, its links are not admitted; whatever else comes ends its page as cancelled."""
    stack = make_stack(**ENV)
    stack.start("writer", ATTEMPTS="5")
    desk = Desk(stack)
    stack.seed("http://desk.test/", depth=5)
    tickets = {}

    def take(count):
        wait_until(lambda: desk._take(tickets) or len(tickets) == count, 30, lambda: f"tickets: {tickets}")
    take(1)
    names = ("article", "empty", "fault", "moved", "returned", "late")
    found = [f"http://desk.test/{name}" for name in names]
    stack.publish("summary", pack(desk.summary(tickets["http://desk.test/"], links=found)), type="summary.v1")
    take(1 + len(names))
    row = stack.crawl()
    assert ask(stack, "crawl_cancel", row.id)["in_flight"] == len(names)
    ticket = {name: tickets[url] for name, url in zip(names, found)}
    stack.publish("summary", pack(desk.summary(ticket["article"], links=["http://desk.test/new"])), type="summary.v1")
    stack.publish("report", pack(desk.empty(ticket["empty"], links=["http://desk.test/new"])))
    stack.publish("report", pack(desk.verdict(ticket["fault"], code="HTTP_5XX", status=500, ticketed=1)))
    stack.publish("report", pack(desk.verdict(ticket["moved"], code="REDIRECTED", location="http://desk.test/new", ticketed=1)))
    stack.publish("report", pack(desk.record(ticket["returned"], "returned")))
    rows = desk.rows([ticket[name] for name in names[:-1]])
    assert [(r.state, r.code) for r in rows] == [("stored", "OK")] + 4 * [("cancelled", "CANCELLED")]
    assert stack.crawl().state == "running" and stack.books() == []
    stack.publish("summary", pack(desk.summary(ticket["late"])), type="summary.v1")
    row = stack.wait_completed()
    assert (row.state, row.stored, row.cancelled, row.admitted) == ("cancelled", 3, 4, 7)
    assert stack.books() == []


def test_errors(make_stack):
    stack = make_stack()
    inbox = stack.value("select id from crawl where is_inbox and priority = 0")
    for function in ("crawl_pause", "crawl_resume", "crawl_cancel", "crawl_retry"):
        assert refused(stack, function, 4711) == ("P0002", "there is no crawl 4711")
    assert refused(stack, "crawl_cancel", None)[0] == "P0002"
    assert refused(stack, "page_explain", "http://a.test/", 4711) == ("P0002", "there is no crawl 4711")
    assert refused(stack, "crawl_cancel", inbox) == ("55000", "the inbox cannot be cancelled")
    assert ask(stack, "crawl_pause", inbox)["state"] == "paused"
    assert ask(stack, "crawl_resume", inbox)["state"] == "running"
    assert stack.books() == []


# Retry ------------------------------------------------------------------------------------------------------------------

def test_retry_once_the_site_is_mended(make_stack):
    broken = {"/a": 500, "/b": 500, "/c": 404}
    leaves = {f"/{name}/leaf": page(f"{name} leaf", words=92) for name in "abc"}

    def answer(request):
        if request.path in broken:
            return Reply(status=broken[request.path])
        return page(request.path, links=[request.path + "/leaf"], words=92)
    site = Pages({"/": page("Home", links=list(broken), words=92), **dict.fromkeys(broken, answer), **leaves})
    stack = make_stack(ATTEMPTS="2", RETRY_BACKOFF="1ms", RETRY_BACKOFF_MAX="1ms")
    stack.start_all({"writer": 2})
    with Server(site) as server:
        stack.seed(server.url("/"), depth=3, limit=20)
        row = stack.wait_completed()
        assert (row.stored, row.errors, row.failed) == (1, 3, 3)
        assert ask(stack, "crawl_retry", row.id, "TIMEOUT")["retried"] == 0
        assert stack.crawl().state == "completed"
        for path in ("/a", "/b"):
            del broken[path]
        answer_1 = ask(stack, "crawl_retry", row.id, "HTTP_5XX")
        assert (answer_1["retried"], answer_1["state"], answer_1["errors"]) == (2, "running", 1)
        row = stack.wait_completed()
        assert (row.run, row.stored, row.errors, row.failed, row.admitted) == (1, 5, 1, 1, 6)
        assert len(server.hits("/a")) == 3 and len(server.hits("/c")) == 1
        broken.clear()
        assert ask(stack, "crawl_retry", row.id)["retried"] == 1
        row = stack.wait_completed()
        assert (row.stored, row.errors, row.failed, row.places) == (7, 0, 0, 7)
        assert ask(stack, "crawl_retry", row.id)["retried"] == 0
    assert stack.books() == []


def test_retry_keeps_the_limit(make_stack):
    """Errors give their places back; tried again they need new ones, and there are none left."""
    broken = True
    names = [f"/{n}" for n in range(4)]

    def answer(request):
        return Reply(status=404) if broken else page(request.path, words=92)
    more = {f"/m{n}": page(f"more {n}", words=92) for n in range(3)}
    site = Pages({"/": page("Home", links=names + list(more), words=92), **dict.fromkeys(names, answer), **more})
    stack = make_stack()
    stack.start_all()
    with Server(site) as server:
        stack.seed(server.url("/"), depth=1, limit=5)
        row = stack.wait_completed()
        assert (row.stored, row.errors) == (4, 4)
        broken = False
        assert ask(stack, "crawl_retry", row.id)["retried"] == 4
        row = stack.wait_completed()
    assert (row.stored, row.errors, row.skipped) == (5, 0, 3)
    assert stack.books() == []


# Explain ----------------------------------------------------------------------------------------------------------------

def test_explain(make_stack):
    site = Pages({"/": page("Home", links=["/a", "/gone", "http://elsewhere.test/x", "/late", "/moved"], words=92),
                  "/a": page("A", links=["/b"], words=92), "/b": page("B", links=["/deep"], words=92),
                  "/late": Reply(status=500), "/moved": redirect("/target"), "/target": page("Target", words=92)})
    stack = make_stack(ATTEMPTS="5", RETRY_BACKOFF="1h", RETRY_BACKOFF_MAX="1h")
    stack.start_all()
    with Server(site) as server:
        stack.seed(server.url("/"), depth=2, limit=20)
        wait_until(lambda: stack.value("select count(*) from delayed") == 1 and stack.crawl().open == 1, 30, "one page waits")
        number = stack.crawl().id

        def explain(url, crawl=number):
            found = ask(stack, "page_explain", url, crawl)
            json.dumps(found)
            return found

        stored = explain(server.url("/b#part"))
        assert (stored["canonical"], stored["exact"], stored["not_admitted"]) == (server.url("/b"), True, [])
        [b] = stored["pages"]
        assert (b["state"], b["code"], b["depth"], b["crawl"], b["waits"]) == ("stored", "OK", 2, str(number), None)
        assert [(step["url"], step["by"]) for step in b["admitted"]["way"]] == [
            (server.url("/"), "seed"), (server.url("/a"), "link"), (server.url("/b"), "link")]
        [attempt] = b["attempts"]
        assert (attempt["code"], attempt["status"]) == ("OK", 200) and attempt["bytes"] > 500 and attempt["at"]
        assert "ms" in attempt

        [gone] = explain(server.url("/gone"), None)["pages"]
        assert (gone["state"], gone["code"], gone["attempts"][0]["status"]) == ("error", "HTTP_4XX", 404)
        [target] = explain(server.url("/target"))["pages"]
        assert [step["by"] for step in target["admitted"]["way"]] == ["seed", "link", "redirect"]
        [moved] = explain(server.url("/moved"))["pages"]
        assert (moved["code"], moved["redirects_to"]) == ("REDIRECTED", server.url("/target"))

        [late] = explain(server.url("/late"))["pages"]
        assert (late["state"], late["waits"]["for"], late["waits"]["why"]) == ("registered", "retry", "the last try failed: HTTP_5XX")
        assert late["waits"]["until"] and len(late["attempts"]) == 1

        [refusal] = explain("HTTP://Elsewhere.test:80/x", None)["not_admitted"]
        assert {"rule": "scope", "count": 1, "sampled": True} in refusal["refused"]
        assert [said["says"] for said in refusal["now"] if said["rule"] == "scope"] == ["refuses"]
        [deep] = explain(server.url("/deep"))["not_admitted"]
        assert [rule["sampled"] for rule in deep["refused"] if rule["rule"] == "depth"] == [True]

        unknown = explain(server.url("/nobody-knows"))
        assert (unknown["pages"], unknown["exact"]) == ([], False)
        assert {said["rule"]: said["says"] for said in unknown["not_admitted"][0]["now"]} == {
            "scope": "admits", "limit": "admits"} | dict.fromkeys(("depth", "url_length", "path_repeat", "parameters", "calendar"), "unknown")
        assert explain("http://nowhere.test/", None)["not_admitted"] == []
        [no_url] = explain("mailto:a@b.test")["not_admitted"]
        assert [(said["rule"], said["says"]) for said in no_url["now"]] == [("url", "refuses")]

        ask(stack, "crawl_pause", number)
        assert explain(server.url("/late"))["pages"][0]["waits"]["for"] == "resume"
        ask(stack, "crawl_cancel", number)
        assert stack.wait_completed().state == "cancelled"
        [late] = explain(server.url("/late"))["pages"]
        assert (late["state"], late["code"], late["attempts"][0]["code"]) == ("cancelled", "CANCELLED", "HTTP_5XX")
    assert stack.books() == []
