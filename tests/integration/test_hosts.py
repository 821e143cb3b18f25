"""A thousand hosts, one of which does not answer: the others do not notice."""

import collections

import pytest

from support.site import Reply, Server, page
from support.stack import wait_until

HOSTS, SLOW = 1000, 500
PAGES = ("/", "/a")
NEVER = 3600  # seconds: as far as this test goes


class Hosts:
    """h0.test, h1.test, …: two pages each; the first one's front page links to all others'."""

    def __init__(self):
        self.url = None  # of a host's front page, {} for the number

    def __call__(self, request):
        number = int(request.host.removeprefix("h").removesuffix(".test"))
        if request.path not in PAGES:
            return None
        links = [self.url.format(n) for n in range(1, HOSTS)] if (number, request.path) == (0, "/") else []
        body = page(f"Host {number}, page {request.path}", links + list(PAGES[1:]), words=92)
        return Reply(body, after=NEVER if number == SLOW else 0.0)


def hosts_stack(make_stack, server, **env):
    """A stack for which all names lead to the server; few transfers at once, so that one that is held would be missed."""
    return make_stack(FETCH_RESOLVE=f"*:{server.port}:127.0.0.1", FETCH_CONCURRENCY="8", FETCH_FIRST_BYTE_TIMEOUT="5m", FETCH_TIMEOUT="5m",
                      HOST_DELAY_FACTOR="0", LOG_LEVEL="info", **env)


@pytest.mark.limit(180)
@pytest.mark.parametrize("delay, at_once", [("10ms", 1), ("0", 2)])
def test_one_host_of_a_thousand_does_not_answer(make_stack, delay, at_once):
    """All work of all others is done, each page asked for once, while the one keeps what politeness gives it, and nothing more."""
    site = Hosts()
    slow = f"h{SLOW}.test"
    with Server(site) as server:
        site.url = f"http://h{{}}.test:{server.port}/"
        stack = hosts_stack(make_stack, server, HOST_DELAY=delay, FETCH_PER_HOST="2")
        stack.start_all()
        for path in PAGES[:at_once]:
            stack.seed(f"http://{slow}:{server.port}{path}", depth=0, limit=10)
        wait_until(lambda: len([hit for hit in server.hits(host=slow) if hit.path != "/robots.txt"]) == at_once, 20, "the slow host is asked")
        stack.seed(site.url.format(0), depth=2, limit=100_000, scope="any")
        others = len(PAGES) * (HOSTS - 1)

        def done():
            row = stack.crawl()
            return row is not None and row.stored >= others
        wait_until(done, 120, lambda: f"{others} pages are stored: {stack.crawl()}\n{stack.depths()}")
        row = stack.crawl()
        assert (row.stored, row.errors, row.open) == (others, 0, 1), row
        asked = collections.Counter((hit.host, hit.path) for hit in server.hits())
        there = [(slow, path) for path in ("/robots.txt", *PAGES[:at_once])]
        assert set(asked.values()) == {1} and len(asked) == others + HOSTS - 1 + len(there)
        assert {what for what in asked if what[0] == slow} == set(there)
        assert stack.value("select sum(release) from page where state = 'stored'") == others, "nothing was released twice"
        assert stack.value("select count(*) from ticket") == at_once
        assert stack.books() == []
