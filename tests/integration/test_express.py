"""The impatient: what a person asks for goes before any backlog at every stage, and the backlog goes on."""

import contextlib
import json
import time

from support.fake_llm import FakeLLM
from support.site import Server, page
from support.stack import wait_until

WINDOW = 64
EXPRESS_WINDOW = 16  # common/line/limits.h
PREFETCH = 16

IN_FLIGHT = ("select coalesce(sum(scheduled) filter (where priority < 0), 0) as express, "
             "coalesce(sum(scheduled) filter (where priority >= 0), 0) as wide from crawl")


def anything(request):
    return page(request.path, words=92) if request.path.startswith("/p/") else None


def crowd(stack, server, count, first=0):
    """The backlog: so many bare URLs."""
    urls = [server.url(f"/p/{n}") for n in range(first, first + count)]
    for begin in range(0, count, 1000):
        stack.publish("seed", "\n".join(urls[begin:begin + 1000]).encode())


def asked(stack, url, queue="seed.express", body=None, deadline=60):
    """Seconds from asking for a URL until it is stored."""
    begin = time.monotonic()
    stack.publish(queue, body or url.encode())
    row = stack.wait_final(url, deadline)
    assert row.state == "stored", row
    return time.monotonic() - begin, row


@contextlib.contextmanager
def busy(make_stack, delay, backlog, window=WINDOW, **env):
    """A line whose window is full, with a backlog before it and a slow model behind it. Yields (stack, server, idle): what one page
    takes without all that."""
    with FakeLLM(delay=delay) as llm, Server(anything) as server:
        stack = make_stack(FRONTIER_WINDOW=str(window), PREFETCH=str(PREFETCH), LOG_LEVEL="warn", OPENAI_BASE_URL=llm.url,
                           SUMMARY_MODEL="fake", **env)
        stack.start_all()
        asked(stack, server.url("/p/first"))  # connections, robots.txt
        idle, _ = asked(stack, server.url("/p/idle"))
        crowd(stack, server, backlog)
        wait_until(lambda: stack.depths()["article"] >= window - PREFETCH, 60, lambda: f"the window is full: {stack.depths()}")
        wait_until(lambda: stack.value("select sum(admitted) from crawl") >= 2 + backlog, 60, "the backlog is admitted")
        assert stack.value("select sum(registered) from crawl") >= 2 * window, "the backlog waits"
        yield stack, server, idle
        assert stack.books() == []


def test_before_any_backlog(make_stack, long):
    """Full window, a backlog of 10,000, slow calls of the model: at most 5 s more than on an idle system. Behind the window it would be 30 s;
    so much more is the machine's, which may be busy."""
    window = 256
    with busy(make_stack, 2.0, 10_000, window) as (stack, server, idle):
        stack.publish("seed", server.url("/p/patient").encode())
        wait_until(lambda: stack.query("select id from page where url = %s", server.url("/p/patient")), 20, "the patient one is admitted")
        took = []
        for n in range(10 if long else 3):
            if n == 1:  # as a person would who knows no other queue
                url = server.url("/p/json")
                seconds, row = asked(stack, url, "seed", json.dumps({"url": url, "priority": -1}).encode())
            else:
                seconds, row = asked(stack, server.url(f"/p/urgent{n}"))
            assert stack.crawl(row.crawl_id).is_inbox and stack.crawl(row.crawl_id).priority == -1
            took.append(seconds)
            _, wide = stack.query(IN_FLIGHT)[0]
            assert wide > window - 2 * PREFETCH, "the window was not full"
        print(f"idle {idle:.2f} s, busy {[round(t, 2) for t in took]} s")
        assert min(took) <= idle + 5 and max(took) <= idle + 15
        assert stack.value("select state::text from page where url = %s", server.url("/p/patient")) == "registered"


def test_the_backlog_goes_on(make_stack):
    """However much is asked for in a hurry, on the very same host: it has its own window, and the others keep theirs."""
    with busy(make_stack, 2.0, 2_000, HOST_DELAY="10ms") as (stack, server, _):
        before = stack.value("select stored from crawl where is_inbox and priority = 0")
        body = json.dumps({"url": server.url("/p/crawl"), "depth": 0, "priority": -5}).encode()
        stack.publish("seed.express", "\n".join(server.url(f"/p/hurry{n}") for n in range(400)).encode())
        _, row = asked(stack, server.url("/p/crawl"), "seed", body)
        assert stack.crawl(row.crawl_id).priority == -5

        def look():
            express, wide = stack.query(IN_FLIGHT)[0]
            assert express <= EXPRESS_WINDOW and wide <= WINDOW, (express, wide)
        stack.watch(lambda: stack.value("select stored from crawl where is_inbox and priority = 0") >= before + 30, 60,
                    lambda: f"the others go on: {stack.query('select * from crawl')}", look)
        assert stack.value("select sum(open) from crawl where priority < 0") > 0, "all that was urgent was over: ask for more"
        assert stack.books() == []
