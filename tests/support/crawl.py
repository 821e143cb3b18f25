"""Crawls that are disturbed: short times, random moments, and books that must be closed at each look."""

import collections
import os
import random

import pika
import psycopg2

from .process import descendants, wait_until
from .stack import QUEUES

# All times shortened together: what a crash loses is missed within seconds. LEASE > HOLD_MAX + SUMMARY_TIMEOUT + 3 heartbeats.
QUICK = {
    "AMQP_HEARTBEAT": "1s", "HOLD_MAX": "2500ms", "SUMMARY_TIMEOUT": "300ms", "LEASE": "6s",
    "TICKET_DEADLINE": "1s", "FETCH_TIMEOUT": "4s", "TICKET_GRACE": "500ms",
    "ATTEMPTS": "5", "RETRY_BACKOFF": "100ms", "RETRY_BACKOFF_MAX": "500ms",
}

FINAL = "state not in ('registered', 'scheduled')"


def chance():
    """A random.Random that says what it was made of. GM_SEED repeats a run."""
    seed = int(os.environ.get("GM_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"GM_SEED={seed}")
    return random.Random(seed)


class Site:
    """A served site, how it is crawled, and what it must come to."""

    def __init__(self, server, start, pages, fresh=lambda: None, times=None, **wish):
        """start: path of the seed. pages: how many there are. fresh: called before each crawl. wish: depth, limit.

        times: {path: times} that the server is asked for a path, given the number of attempts.
        """
        self.server, self.start, self.pages, self.fresh, self.wish = server, start, pages, fresh, wish
        self.times = times
        self.wanted = None  # what an undisturbed crawl came to

    def crawl(self, stack):
        self.fresh()
        self.server.log.clear()
        return Crawl(stack, self.server.url(self.start), self.pages, **self.wish)

    def check_asked(self, attempts=3):
        """Since the crawl began, nothing was asked for twice without need, and nothing was left out."""
        asked = collections.Counter(hit.path for hit in list(self.server.log))
        wanted = self.times(attempts)
        wrong = {path: f"{asked[path]} instead of {wanted.get(path, 0)}"
                 for path in asked.keys() | wanted.keys() if asked[path] != wanted.get(path, 0)}
        assert not wrong, f"asked for more or less often than needed: {wrong}"


class Crawl:
    """One crawl, from its seed to its end. Each look at it also looks at the books."""

    def __init__(self, stack, url, pages, **wish):
        """pages: how many it will come to."""
        self.stack = stack
        self.total = pages
        self.looks = 0
        stack.seed(url, **wish)

    def look(self):
        """Pages that have ended; None while the database is away."""
        try:
            faults = self.stack.books()
            assert not faults, f"the books are not closed: {faults[:10]}"
            self.looks += 1
            return self.stack.value(f"select count(*) from page where {FINAL}")
        except psycopg2.OperationalError:
            if self.stack.database.process.alive() and self.stack.value("select 1") != 1:
                raise
            return None

    def reach(self, pages, deadline=60):
        """Waits until so many pages have ended."""
        wait_until(lambda: (self.look() or 0) >= pages, deadline, lambda: f"{pages} pages ended: {self.state()}")

    def moments(self, count, rng, first=0.02, last=0.8, least=None):
        """So many random moments, one after the other: a crawl is a clock that goes by pages.

        What is done at a moment takes its time, on a busy machine more than the crawl has left: then those that remain come sooner, or not
        at all. So many must: least, by default half of them.
        """
        pages, high = int(first * self.total), int(last * self.total)
        for number in range(count):
            pages = max(pages, self.look() or 0)
            left = count - number
            pages += int(max(high - pages, 0) * (1 - rng.random() ** (1 / left)))  # the first of so many, each anywhere
            self.reach(pages)
            if not self.running():
                assert number >= (count / 2 if least is None else least), f"the crawl was over after {number} moments: make it longer"
                print(f"the crawl was over after {number} moments of {count}")
                return
            yield pages

    def running(self):
        crawl = self.stack.crawl()
        return crawl is None or crawl.state == "running"  # None: not begun

    def state(self):
        counts = self.stack.query("select state::text, code, count(*) from page group by 1, 2 order by 1, 2")
        return (f"{self.stack.crawl()}\n{[tuple(c) for c in counts]}\n{self.stack.depths()}\n"
                f"open: {self.stack.query('select * from page where not ' + FINAL + ' limit 5')}\n"
                f"tickets: {self.stack.query('select * from ticket limit 5')}")

    def finish(self, deadline=90):
        """Waits for its end and for the last ticket's report. Returns what it came to: {url: (depth, state, code, …)}."""
        wait_until(lambda: self.look() is not None and not self.running(), deadline, lambda: f"crawl ended: {self.state()}")
        wait_until(lambda: self.look() is not None and self.stack.value("select count(*) from ticket") == 0, deadline,
                   lambda: f"no ticket is out: {self.state()}")
        assert self.stack.value("select count(*) from bad_record") == 0, self.stack.query("select * from bad_record limit 5")
        assert self.stack.depths()["dead"] == 0
        return self.stack.pages()


def same(got, wanted):
    """Compares two outlines; the words of the failure name the differences, not all pages."""
    differences = [f"{url}: {got.get(url)} instead of {wanted.get(url)}"
                   for url in sorted(got.keys() | wanted.keys()) if got.get(url) != wanted.get(url)]
    assert not differences, f"{len(differences)} pages differ:\n" + "\n".join(differences[:20])


def outline(pages):
    """(depth, state, code) alone."""
    return {url: tuple(page[:3]) for url, page in pages.items()}


def kill(stack, program):
    """kill -9, and again at work. Returns the new process."""
    program.kill9()
    return stack.restart(program, wait=False)


def child_of(parser, not_this=None):
    """The parser's child, once it is there."""
    def found():
        return next((c for c in descendants(parser.pid) if c.pid != not_this and c.alive()), None)
    return wait_until(found, 20, f"the parser (pid {parser.pid}) has a child")


def kill_child(parser):
    """kill -9 of the parser's child, which must not end any page.

    The page it was at is tried again, alone; killed again, it would be poison. So this returns when that page is through.
    """
    parser.wait_ready()
    child = child_of(parser)
    child.kill()
    child_of(parser, child.pid)

    def through():
        after = parser.log_text().rpartition("the parser's child ended")[2]
        return not after.startswith(" within a page") or " outcome " in after
    wait_until(through, 20, "the parser goes on")


def leader(stack, other_than=None, deadline=20):
    """The writer that releases."""
    def found():
        for writer in stack.running("writer"):
            _, leads, after = writer.log_text().rpartition("leading: this writer releases")
            if writer is not other_than and leads and "no longer the leading writer" not in after:
                return writer
        return None
    return wait_until(found, deadline, "a writer leads")


def wait_consumed(stack):
    """Waits until each queue is there and has a consumer."""
    def consumed():
        try:
            with stack.broker.channel() as channel:
                return all(channel.queue_declare(stack.prefix + queue, passive=True).method.consumer_count for queue in QUEUES)
        except pika.exceptions.ChannelClosedByBroker:
            return False  # not there yet
    wait_until(consumed, 60, "each queue has a consumer")


def delete_queues(stack):
    """Deletes all queues at once, once all have a consumer.

    RabbitMQ 3.10 must have the time to start what belongs to a new queue: one deleted in the same moment, as after a
    restart, can end the supervisor of all dead-letter workers, and no quorum queue works until the broker is restarted.
    """
    wait_consumed(stack)
    stack.delete_queues()


def end_session(stack):
    """What the server does with the leader's session when nothing was heard of it for half a minute."""
    stack.query("select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database "
                "where d.datname = %s and l.locktype = 'advisory' and l.objid = 72747281 and l.granted", stack.name)
