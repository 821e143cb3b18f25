"""Looks at a stack from beside, again and again: how deep its queues are, what its processes hold, whether the books close."""

import threading

import pika
import psycopg2

from .process import status_bytes
from .stack import QUEUES

MIB = 1 << 20


class Gauge:
    """From start to end of a with block. The largest figures are kept; a book that did not close fails the block's end.

    depth: {queue: ready messages at most, so far}. broker: its resident bytes at most, so far. looks: how often.
    """

    def __init__(self, stack, books_every=0.5, interval=0.02):
        """books_every: seconds; counting a large crawl takes the database some time."""
        self.stack = stack
        self.depth = dict.fromkeys(QUEUES, 0)
        self.broker = 0
        self.looks = self.books_looks = 0
        self.started = {}
        self._faults = []
        self._books_every = max(1, round(books_every / interval))
        self._interval = interval
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gauge", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._end.set()
        self._thread.join(30)
        if kind is None:
            assert not self._faults, self._faults[0]
            assert self.looks > 10 and self.books_looks > 0, "the gauge did not look"

    def remember(self, *programs):
        """What programs that have just started hold; grown() compares."""
        for program in programs:
            self.started[program] = program.peak_rss()

    def grown(self):
        """{name: (bytes at the start, bytes more at the peak)} of each remembered program that still runs."""
        return {program.name: (start, program.peak_rss() - start)
                for program, start in self.started.items() if program.alive()}

    def _run(self):
        connection = pika.BlockingConnection(pika.URLParameters(self.stack.broker.url + "%2F?heartbeat=0&socket_timeout=30&stack_timeout=60"))
        channel = connection.channel()
        try:
            while not self._end.wait(self._interval):
                for queue in QUEUES:
                    found = channel.queue_declare(self.stack.prefix + queue, passive=True).method.message_count
                    self.depth[queue] = max(self.depth[queue], found)
                self.broker = max(self.broker, status_bytes(self.stack.broker.process.pid, "VmRSS"))
                if self.looks % self._books_every == 0:
                    self._look_at_books()
                self.looks += 1
        except Exception as error:  # pylint: disable=broad-except  # told at the end of the block
            self._faults.append(f"the gauge ended: {error!r}")
        finally:
            if connection.is_open:
                connection.close()

    def _look_at_books(self):
        try:
            faults = self.stack.books()
        except psycopg2.OperationalError:
            return  # the database is away
        self.books_looks += 1
        if faults:
            self._faults.append(f"the books are not closed: {faults[:10]}")
