"""What processes may hold, and what they hold: docs/ARCHITECTURE.md, "Memory", in figures."""

import bisect
import statistics

from .process import descendants, status_bytes

MIB = 1 << 20
WAL = 16 * MIB  # raft.wal_max_size_bytes of the broker of these tests
WINDOW = 256
FETCH_CONCURRENCY, PREFETCH, WRITER_PREFETCH = 64, 16, 256  # the defaults


def bounds(page):
    """{process: bytes it may hold beyond what it holds empty}. page: bytes of the site's largest."""
    record = 2 * page  # text and Markdown, links; all in JSON
    some = 4 * MIB     # libraries, allocator
    return {
        "fetcher": FETCH_CONCURRENCY * 2 * page + 8 * MIB,
        "parser": PREFETCH * 2 * record + some,
        "summarizer": PREFETCH * 2 * record + some,
        "writer": 2 * min(16 * MIB, WRITER_PREFETCH * record) + 8 * MIB + 2 * MIB + some,
        "broker": 3 * WAL + WINDOW * (record + 1024) + 32 * MIB,
    }


def held(pid):
    """(resident bytes, those of them that are its data: neither program nor libraries); zeros if it is gone."""
    return status_bytes(pid, "VmRSS"), status_bytes(pid, "RssAnon")


class Levels:
    """What each process of a stack holds while a crawl goes on, by the pages stored. One process of each program.

    A level is the median of the looks in a range of pages: at one instant a process holds what it has in hand just then.
    empty: what they held at first.
    """

    def __init__(self, programs):
        """programs: {name: Program}, all ready; this is the first look. The parser's child counts by itself."""
        self.pids = {name: program.pid for name, program in programs.items()}
        child, = descendants(programs["parser"].pid)
        self.pids["parser's child"] = child.pid
        self._pages = []
        self._looks = []
        self.look(0)
        self.empty = self._looks[0]

    def look(self, pages):
        """pages: stored by now."""
        self._pages.append(pages)
        self._looks.append({name: held(pid) for name, pid in self.pids.items()})

    def level(self, first, last):
        """{name: (bytes, of them data)} while the pages of that range were stored."""
        looks = self._looks[bisect.bisect_left(self._pages, first):bisect.bisect_left(self._pages, last)]
        assert looks, f"no look from page {first} to page {last}"
        return {name: tuple(statistics.median(look[name][k] for look in looks) for k in (0, 1)) for name in self.pids}
