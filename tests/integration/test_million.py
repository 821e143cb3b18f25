"""A wiki of a million pages, a hundred links on each, of which a crawl wants some: memory does not grow with what was crawled.

What is found stays in the database: soon some hundred thousand pages wait there for each thousand that is stored.
"""

import contextlib
import types

import pytest

from support.gauge import Gauge
from support.memory import MIB, WINDOW, Levels, bounds
from support.process import frozen
from support.site import Server, Synthetic
from support.stack import PROGRAMS, wait_until

PAGES, LINKS = 1_000_000, 100
FLAT = 1.1  # of what a process held from the 1,000th page on
BEGIN = 1000


def fill(stack, programs):
    """Each program has a full window before it once: what it holds then is what it may hold, not a matter of chance."""
    for name, queue in (("fetcher", "url"), ("parser", "html"), ("summarizer", "article")):
        with frozen(programs[name]):
            wait_until(lambda q=queue: stack.depths()[q] > WINDOW // 2, 30, lambda: f"{queue} fills: {stack.crawl()}\n{stack.depths()}")
    with writer_waiting(stack):
        # It holds a window of messages itself, so no queue shows them.
        wait_until(lambda: programs["summarizer"].log_text().count(" outcome ") == stack.crawl().begun, 30,
                   lambda: f"all wait for the writer: {stack.crawl()}\n{stack.depths()}")


@contextlib.contextmanager
def writer_waiting(stack):
    """The writer waits for its database. Frozen by a signal it may have released pages that it has not sent."""
    with stack.database.connect(stack.name) as connection, connection.cursor() as cursor:
        cursor.execute("begin; lock table page in exclusive mode")
        yield


def follow(stack, levels, limit):
    """Looks at what the programs hold until all wanted pages are stored. Then the crawl has to end the pages that wait."""
    def looked():
        row = stack.crawl()
        if row is not None and row.stored < limit:
            levels.look(row.stored)
        return row is not None and row.stored >= limit
    wait_until(looked, 600, lambda: f"{limit} pages are stored: {stack.crawl()}\n{stack.depths()}", interval=0.02)


def check_levels(levels, begin, limit, count, sanitized):
    """In each of so many parts of the crawl, what every program holds is what it held in the first one, within FLAT."""
    step = (limit - begin) // count
    parts = [levels.level(begin + n * step, begin + (n + 1) * step) for n in range(count)]
    for name in parts[0]:
        print(f"{name}: {', '.join('{:.1f} ({:.1f})'.format(*(b / MIB for b in part[name])) for part in [levels.empty, *parts])} MiB (its data)")
    for name, (before, _) in parts[0].items():
        most = max(part[name][0] for part in parts)
        assert sanitized or most <= FLAT * before, f"{name} grew from {before / MIB:.1f} to {most / MIB:.1f} MiB"


@pytest.mark.limit(900)
def test_memory_does_not_grow(press, small_broker, long, sanitized):
    limit, parts = (50_000, 10) if long else (2_500, 3)
    site = Synthetic(PAGES, LINKS)
    stack = press(FETCH_PER_HOST=str(WINDOW))
    with Server(site) as server:
        programs = {name: stack.start(name) for name in PROGRAMS}
        levels = Levels(programs)
        with Gauge(stack, books_every=30 if long else 2, interval=0.1) as gauge:
            stack.seed(server.url("/0"), depth=100, limit=limit)
            took = stack.elapsed()
            wait_until(lambda: stack.crawl() and stack.crawl().stored >= 100, 60, "the crawl is under way")
            fill(stack, programs)
            begin = max(BEGIN, stack.crawl().stored)  # beyond BEGIN on a machine where a look takes long
            follow(stack, levels, limit)
            stored = took()
            row = stack.wait_completed(deadline=300)
        assert not server.twice()
        assert len(server.log) == limit + 1  # robots.txt
    print(f"\n{limit} of {row.admitted} pages in {stored:.0f} s, the others ended {took() - stored:.0f} s later; queues at most {gauge.depth}")
    check_levels(levels, begin, limit, parts, sanitized)
    check_result(stack, row, limit)
    allowed = bounds(max(len(site(types.SimpleNamespace(path=f"/{n}"))) for n in range(100)))["broker"]
    more = gauge.broker - small_broker.idle
    print(f"broker: {small_broker.idle / MIB:.1f} MiB and {more / MIB:.1f} more, allowed {allowed / MIB:.1f}")
    assert more <= allowed
    assert all(gauge.depth[queue] <= WINDOW for queue in ("url", "html", "article", "summary", "report"))


def check_result(stack, row, limit):
    """As many as were asked for and not one more; those nearest to the seed."""
    assert (row.stored, row.errors, row.cancelled) == (limit, 0, 0), row
    assert row.admitted == limit + row.skipped
    assert stack.value("select count(*) from page where state = 'skipped' and code = 'LIMIT_REACHED'") == row.skipped
    assert stack.value("select max(depth) from page where state = 'stored'") <= stack.value("select min(depth) from page where state = 'skipped'")
    assert stack.value("select count(*) from frontier") == stack.value("select count(*) from delayed") == 0
    assert not stack.books()
