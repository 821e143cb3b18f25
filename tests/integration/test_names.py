"""Our resolver is down, or a name does not exist: the one is our fault, the other one its host's."""

import contextlib
import socket

import pytest

from support.island import Island, Names, Relay
from support.site import Server, page
from support.stack import wait_until

HERE = "192.31.196.1"  # counts as public and is nobody's: AS112's, RFC 7535
QUICK = {"ATTEMPTS": "1", "RETRY_BACKOFF": "50ms", "RETRY_BACKOFF_MAX": "100ms", "HOST_BACKOFF_MAX": "200ms", "HOST_DELAY_FACTOR": "0"}
NEW = 10


def site(request):
    if request.path == "/robots.txt":
        return None
    return page(f"{request.host}{request.path}", [f"/{n}" for n in range(1, 60)] if request.path == "/" else [], words=92)


@pytest.fixture
def island(run_dir, numbers):
    with Island(run_dir.subdir(f"island-{next(numbers)}"), [HERE]) as made:
        yield made


@contextlib.contextmanager
def names_of(island):
    with Names(island) as names:
        names.answers["*.site.test"] = [[HERE]]
        yield names


def listening(island):
    """Takes questions and answers none."""
    return island.socket("127.0.0.1", 53, socket.SOCK_DGRAM)


def outside(stack, island):
    """The fetcher alone is in the island."""
    stack.enter["fetcher"] = island.enter()
    return Relay(island, stack.broker.port)


def errors(stack):
    return stack.query("select url, code, detail from page where state = 'error'")


@pytest.mark.parametrize("silent", [False, True], ids=["gone", "silent"])
def test_resolver_that_is_down(make_stack, island, silent):
    """Hosts whose names are known go on; new ones wait, and cost their pages no attempt; nothing ends in error."""
    stack = make_stack(**QUICK, HOST_DELAY="250ms" if silent else "100ms", **({"FETCH_CONNECT_TIMEOUT": "2s"} if silent else {}))
    with outside(stack, island), Server(site, listen=lambda: island.listen(HERE, 80)):
        with names_of(island):
            stack.start_all()
            stack.seed("http://old.site.test/", depth=1)
            wait_until(lambda: stack.crawl() and stack.crawl().stored >= 3, 30, "the first host answers")
        with listening(island) if silent else contextlib.nullcontext():
            for n in range(NEW):
                stack.seed(f"http://new{n}.site.test/", depth=0, limit=10)
            before = stack.value("select max(stored) from crawl")
            wait_until(lambda: stack.value("select count(*) from host where failures >= 2") == NEW, 40,
                       lambda: f"each new host was tried: {stack.query('select name, failures, fault from host')}\n{errors(stack)}")
            assert stack.value("select max(stored) from crawl") > before, "the first host goes on"
            assert not errors(stack)
        with names_of(island):
            wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == NEW + 1, 60,
                       lambda: f"all crawls end: {stack.query('select seed, open from crawl where open > 0')}")
        assert not errors(stack)
        assert stack.value("select sum(failures) from page") == 0
        assert stack.value("select count(*) from page where state = 'stored'") == NEW + 60
        assert stack.books() == []


def test_name_that_does_not_exist(make_stack, island):
    """Also beside hosts that answer it ends after its attempts."""
    stack = make_stack(**QUICK)
    with outside(stack, island), Server(site, listen=lambda: island.listen(HERE, 80)), names_of(island):
        stack.start_all()
        stack.seed("http://old.site.test/", depth=1)
        wait_until(lambda: stack.crawl() and stack.crawl().stored >= 3, 30, "the first host answers")
        stack.seed("http://nobody.test/", depth=0, limit=10)
        wait_until(lambda: errors(stack), 30, "it ends")
        row, = errors(stack)
        assert row.code == "ROBOTS_UNAVAILABLE" and "DNS_FAIL" in row.detail, row
