"""Host clocks: whose fault a failure is, how long a host is left alone, when it is given up."""

import contextlib
import email.utils
import time

import pytest

from support.crawl import chance, kill
from support.site import Pages, Reply, Server, Synthetic, page
from support.stack import wait_until

QUICK = {"RETRY_BACKOFF": "100ms", "RETRY_BACKOFF_MAX": "200ms", "HOST_BACKOFF_MAX": "400ms"}
PAGES = 40  # of a host that goes away in the middle: enough that it does so before all have been fetched


def site(pages=6):
    """A star: the root links to all others."""
    found = {f"/{n}": page(f"Page {n}") for n in range(1, pages)}
    found["/"] = page("Root", links=list(found))
    return found


def failed_by(stack):
    return {row.code for row in stack.query("select code from page where state = 'error'")}


def limited(times, reply, header):
    """429 so many times, with the Retry-After that header() makes."""
    left = iter(range(times))

    def answer(_request):
        return Reply("later", status=429, headers={"Retry-After": header()}) if next(left, None) is not None else Reply(reply)
    return answer


@pytest.mark.parametrize("header", [lambda: "1", lambda: email.utils.formatdate(time.time() + 1.5, usegmt=True)], ids=["seconds", "date"])
def test_retry_after_moves_the_clock_and_costs_no_attempt(make_stack, header):
    """One ticket at a time, so that no request was under way already when the host said so."""
    pages = site()
    pages["/1"] = limited(3, pages["/1"], header)
    with Server(Pages(pages)) as server:
        stack = make_stack(**QUICK, ATTEMPTS="1", RETRY_AFTER_MAX="2s", HOST_DELAY="1ms")
        stack.start_all()
        stack.seed(server.url("/"), depth=1)
        assert stack.wait_completed().stored == len(pages)
        assert stack.value("select sum(failures) from page") == 0
        asked = [hit for hit in server.log if hit.status == 429]
        assert len(asked) == 3
        for hit in asked:
            after = [other.time - hit.time for other in server.log if other.time > hit.time]
            assert min(after) >= 0.4, "the host was left alone"  # a date has whole seconds
        assert stack.books() == []


def test_limited_for_ever(make_stack):
    pages = {path: Reply("later", status=429) for path in site()} | {"/": site()["/"]}
    with Server(Pages(pages)) as server:
        stack = make_stack(**QUICK, HOST_STALL="2s")
        stack.start_all()
        stack.seed(server.url("/"), depth=1)
        crawl = stack.wait_completed()
        assert (crawl.stored, crawl.errors) == (1, 5)
        assert failed_by(stack) == {"RATE_LIMITED"}
        assert len([hit for hit in server.log if hit.status == 429]) < 40, "the host's pause grew"
        assert stack.books() == []


def test_failing_pages_of_a_host_without_delay(make_stack):
    """They use up their attempts, also where they are the only ones under way; the host is slowed down, not given up."""
    pages = {path: Reply("broken", status=500) for path in site()} | {"/": site()["/"]}
    with Server(Pages(pages)) as server:
        stack = make_stack(**QUICK)
        stack.start_all()
        stack.seed(server.url("/"), depth=1)
        crawl = stack.wait_completed()
        assert (crawl.stored, crawl.errors) == (1, 5)
        assert failed_by(stack) == {"HTTP_5XX"}
        assert stack.query("select * from bad_record") == []


def test_host_that_dies_is_given_up(make_stack):
    """What it did not answer ends as HOST_DOWN after HOST_STALL."""
    server = Server(Pages(site(PAGES))).start()
    stack = make_stack(**QUICK, HOST_STALL="3s", HOST_DELAY="100ms", HOST_DELAY_FACTOR="0")
    stack.start_all()
    stack.seed(server.url("/"), depth=1)
    wait_until(lambda: stack.crawl() and stack.crawl().stored >= 4, 30, "some are stored")
    begin = time.monotonic()
    server.stop()
    crawl = stack.wait_completed()
    assert time.monotonic() - begin >= 2.5
    assert crawl.stored >= 4 and crawl.errors == PAGES - crawl.stored
    assert failed_by(stack) == {"HOST_DOWN"}
    assert stack.books() == []


def test_host_that_comes_back(make_stack):
    """A host that answered before and is away for a while costs no page an attempt."""
    server = Server(Pages(site(PAGES))).start()
    stack = make_stack(**QUICK, ATTEMPTS="1", HOST_DELAY="100ms", HOST_DELAY_FACTOR="0")
    stack.start_all()
    stack.seed(server.url("/"), depth=1)
    wait_until(lambda: stack.crawl() and stack.crawl().stored >= 4, 30, "some are stored")
    server.stop()
    wait_until(lambda: stack.value("select count(*) from attempt where code = 'CONNECT_FAIL'") >= 5, 30, "tried in vain")
    server.start()
    crawl = stack.wait_completed()
    assert (crawl.stored, crawl.errors) == (PAGES, 0)
    assert stack.value("select sum(failures) from page") == 0
    assert stack.value("select sum(failures) from host") == 0
    server.stop()


def test_network_that_is_down(make_stack):
    """Nobody is reached: no page ends in error, not even of hosts that never answered; then all goes on."""
    many = [f"127.0.1.{n}" for n in range(1, 13)]
    with contextlib.ExitStack() as servers:
        first = servers.enter_context(Server(Pages(site(2 * PAGES))))
        others = [Server(Pages(site()), address=address) for address in many]
        for other in others:
            other.start()
            other.stop()  # from now on its port is known, and closed
        stack = make_stack(**QUICK, ATTEMPTS="2", HOST_DELAY="50ms", HOST_DELAY_FACTOR="0")
        stack.start_all()
        stack.seed(first.url("/"), depth=1)
        wait_until(lambda: stack.crawl() and stack.crawl().stored >= 4, 30, "some are stored")
        first.stop()
        wait_until(lambda: stack.value("select down_since is not null from network"), 30, "our network counts as down")
        for other in others:
            stack.seed(other.url("/"), depth=1)
        wait_until(lambda: stack.value("select count(*) from host where failures > 0") == 13, 30, "all were tried")
        wait_until(lambda: stack.log_lines("writer", level="warn"), 10, "it is said")
        assert stack.value("select count(*) from page where state = 'error'") == 0
        first.start()
        for other in others:
            servers.enter_context(other)
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == 13, 60, "all crawls end")
        assert stack.value("select count(*) from page where state <> 'stored'") == 0
        assert stack.value("select down_since from network") is None
        assert stack.books() == []


def test_dead_host_alone(make_stack):
    """A name nobody answers for ends after its attempts, as long as nothing says that our network is down."""
    server = Server(Pages(site())).start()
    server.stop()
    stack = make_stack(**QUICK, ATTEMPTS="2")
    stack.start_all()
    stack.seed(server.url("/"), depth=1)
    assert stack.wait_completed().errors == 1


def test_slow_answers_make_longer_pauses(make_stack):
    took = 0.3
    pages = {path: Reply(body, after=took) for path, body in site().items()}
    with Server(Pages(pages)) as server:
        stack = make_stack(HOST_DELAY="50ms", HOST_DELAY_FACTOR="3", CRAWL_DELAY_MAX="2s")
        stack.start_all()
        stack.seed(server.url("/"), depth=1)
        assert stack.wait_completed().stored == len(pages)
        times = [hit.time for hit in server.log if hit.path != "/robots.txt"]
        assert min(b - a for a, b in zip(times, times[1:])) >= 4 * took  # the answer, and three times as long after it


@pytest.mark.limit(300)
def test_no_gap_is_shorter_than_the_delay(make_stack, long):
    """Sixteen fetchers killed and started at random, all of them away for a while, everything started again."""
    rng = chance()
    delay = 0.05
    made = Synthetic(2_000 if long else 200, 8)
    with Server(made) as server:
        stack = make_stack(HOST_DELAY=f"{int(1000 * delay)}ms", HOST_DELAY_FACTOR="0", TICKET_DEADLINE="1s", FETCH_TIMEOUT="2s", TICKET_GRACE="500ms",
                           SUMMARY_TIMEOUT="1s", AMQP_HEARTBEAT="1s", HOLD_MAX="1s", LEASE="8s")
        stack.start_all({"fetcher": 16})
        stack.seed(server.url("/0"), depth=50, limit=1_000_000)
        wait_until(stack.crawl, 20, "there is a crawl")
        for part in range(1, 7 if long else 4):
            wait_until(lambda p=part: stack.crawl().stored >= p * made.pages / 8, 120, "goes on")
            for victim in rng.sample(stack.running("fetcher"), 5):
                kill(stack, victim)
        for victim in stack.running("fetcher"):
            victim.kill9()
        pause = len(server.log)
        wait_until(lambda: stack.value("select count(*) from ticket") <= 1, 20, "nothing more goes out")
        assert len(server.log) <= pause + 1
        stack.stop_all()
        stack.start_all({"fetcher": 16})
        assert stack.wait_completed(deadline=200).stored == made.pages
        assert min(server.gaps()) >= delay, sorted(server.gaps())[:5]
        assert stack.books() == []
