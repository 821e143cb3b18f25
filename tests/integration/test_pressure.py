"""Back-pressure: whatever stands still, nothing overflows, nothing is lost, nothing is fetched twice, and all goes on after.

The broker is one of our own: its write-ahead log is small, as docs/ARCHITECTURE.md, "Memory", advises, and its alarms are ours.
"""

import time
import types

import pytest

from support.fake_llm import FakeLLM
from support.gauge import Gauge
from support.memory import MIB, PREFETCH, WINDOW, bounds
from support.probes import counter
from support.site import Reply, Server, Synthetic
from support.stack import PROGRAMS, Port, wait_until

LINKS = 200
LINE = ("url", "html", "article", "summary", "report")


# What all crawls here have in common --------------------------------------------------------------------------------------

class NoIndex(Synthetic):
    """Of four pages, three have links, but no article to keep: they end by a report of the parser's."""

    def __call__(self, request):
        body = super().__call__(request)
        if body is None or int(request.path[1:]) % 4 == 0:
            return body
        return body.replace(b"<title>", b'<meta name="robots" content="noindex"><title>', 1)


def one_of_each(stack, *but):
    """Starts the programs, but not some. Returns them by name."""
    return {name: stack.start(name) for name in PROGRAMS if name not in but}


def begin(stack, server):
    stack.seed(server.url("/0"), depth=1000, limit=10_000_000)


def state(stack):
    return f"{stack.crawl()}\n{stack.depths()}\ntickets: {stack.query('select * from ticket limit 3')}"


def until(stack, condition, what, deadline=60):
    return wait_until(condition, deadline, lambda: f"{what}: {state(stack)}")


def let_pass(seconds):
    """Nothing must happen for so long, however fast the machine is."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, seconds + 5)


def reach(stack, **counters):
    """Waits until counters of the crawl are that high: reach(stack, stored=100)."""
    def there():
        row = stack.crawl()
        return row is not None and all(getattr(row, name) >= least for name, least in counters.items())
    until(stack, there, f"{counters}")


def finish(stack, site, server, deadline=120):
    """Waits for the crawl's end. All pages are there at their depths, each was asked for once, nothing is left anywhere."""
    row = stack.wait_completed(deadline=deadline)
    until(stack, lambda: stack.value("select count(*) from ticket") == 0, "no ticket is out")
    assert row.admitted == site.pages == row.stored + row.skipped, row
    depths = dict(stack.query("select depth, count(*) from page group by depth"))
    assert depths == site.depths()
    assert not server.twice()
    assert len(server.log) == site.pages + 1  # robots.txt
    assert stack.value("select count(*) from bad_record") == 0
    assert not stack.books()
    until(stack, lambda: not any(stack.depths().values()), "the queues are empty")


# Memory -------------------------------------------------------------------------------------------------------------------

def check_memory(what, gauge, site, broker, sanitized):
    allowed = bounds(max(len(site(types.SimpleNamespace(path=f"/{n}"))) for n in range(100)))
    figures = gauge.grown()
    assert set(figures) == set(PROGRAMS)
    print(f"\n{what}: queues at most {gauge.depth}, {gauge.looks} looks, {gauge.books_looks} at the books")
    for name, (start, more) in sorted(figures.items()):
        print(f"{name}: {start / MIB:.1f} MiB and {more / MIB:.1f} more, allowed {allowed[name] / MIB:.1f}")
    more = gauge.broker - broker.idle
    print(f"broker: {broker.idle / MIB:.1f} MiB and {more / MIB:.1f} more, allowed {allowed['broker'] / MIB:.1f}")
    for name, (start, grew) in figures.items():
        # AddressSanitizer keeps freed memory for a while and surrounds each allocation.
        bound = 4 * allowed[name] + 512 * MIB if sanitized else allowed[name]
        assert grew <= bound, f"{name} grew by {grew / MIB:.1f} MiB, allowed are {bound / MIB:.1f}"
    assert more <= allowed["broker"]


# A stage is away or slow --------------------------------------------------------------------------------------------------

@pytest.mark.limit(600)
def test_summarizer_away_then_slow(press, small_broker, long, sanitized):
    site = Synthetic(20_000 if long else 2_000, LINKS)
    stack = press()
    with Server(site) as server, FakeLLM(delay=0.1) as llm:
        started = one_of_each(stack)
        with Gauge(stack, books_every=2 if long else 0.5) as gauge:
            gauge.remember(*started.values())
            begin(stack, server)
            reach(stack, admitted=2 * WINDOW)
            # Away: its queue takes the whole window, then nothing moves.
            started["summarizer"].terminate()
            until(stack, lambda: stack.depths()["article"] == WINDOW, "the window is full")
            assert stack.crawl().scheduled == WINDOW
            fetched = len(server.log)
            # Slow.
            slow = stack.start("summarizer", OPENAI_BASE_URL=llm.url, SUMMARY_MODEL="fake")
            stored = stack.crawl().stored
            reach(stack, stored=stored + 200)
            assert stack.depths()["article"] > WINDOW // 2
            assert len(server.log) <= fetched + stack.crawl().stored - stored + WINDOW // 8
            slow.terminate()
            # Back.
            gauge.remember(stack.start("summarizer"))
            finish(stack, site, server, 300)
            check_memory("summarizer away, then slow", gauge, site, small_broker, sanitized)
        assert stack.value("select count(*) from summary where engine = 'llm'") >= 200
    assert all(gauge.depth[queue] <= WINDOW for queue in LINE)


@pytest.mark.limit(600)
def test_database_away(press, small_broker, long, sanitized):
    """Tickets that are out while the database is away are used; their reports wait in the broker. Nothing goes out twice."""
    site = Synthetic(20_000 if long else 2_000, LINKS)
    times = {"TICKET_DEADLINE": "1s", "FETCH_TIMEOUT": "6s", "TICKET_GRACE": "500ms"}
    stack = press(**times)
    database = stack.database
    with Server(site) as server:
        started = one_of_each(stack)
        with Gauge(stack, books_every=2 if long else 0.5) as gauge:
            gauge.remember(*started.values())
            begin(stack, server)
            for stored, pull in ((site.pages // 10, database.stop), (site.pages // 2, database.kill9)):
                reach(stack, stored=stored)
                # Between two transactions of the writer nothing may be in flight.
                started["summarizer"].freeze()
                until(stack, lambda: stack.depths()["article"] > 0, "something is in flight")
                pull()
                started["summarizer"].thaw()
                # All that was in flight comes to rest before the writer, and every ticket runs out of its time.
                until_quiet(stack)
                let_pass(8)
                assert not stack.running("writer")[0].log_lines(event="completed")
                database.start().ready()
            finish(stack, site, server, 300)
            check_memory("database away", gauge, site, small_broker, sanitized)
    assert all(gauge.depth[queue] <= WINDOW for queue in LINE)


def until_quiet(stack):
    """The stages have nothing more to do; what they did waits for the writer."""
    def quiet():
        depths = stack.broker.depths([stack.prefix + queue for queue in LINE])
        ready = {name[len(stack.prefix):]: count for name, count in depths.items()}
        return ready["summary"] > 0 and ready["url"] == ready["html"] == ready["article"] == 0
    wait_until(quiet, 30, lambda: f"what was in flight waits for the writer: {stack.broker.depths([stack.prefix + q for q in LINE])}")


# Small queues ---------------------------------------------------------------------------------------------------------------

SMALL = 50
FULL = SMALL * 8 // 10  # a quorum queue that was full refuses until no more than this is left
SMALL_WINDOW = 16  # AMQP_WINDOW: what each publisher may have on its way when a quorum queue begins to refuse


def declare_small(stack, *queues):
    """Somebody else's idea of these queues: there before the programs are."""
    with stack.broker.channel() as channel:
        channel.queue_declare(stack.prefix + "dead", durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 1_000_000})
        for queue in queues:
            channel.queue_declare(stack.prefix + queue, durable=True, arguments={
                "x-queue-type": "quorum", "x-max-length": SMALL, "x-overflow": "reject-publish", "x-delivery-limit": 1000,
                "x-dead-letter-exchange": "", "x-dead-letter-routing-key": stack.prefix + "dead",
                "x-dead-letter-strategy": "at-least-once"})


def check_warnings(stack, *queues):
    for name in PROGRAMS:
        for program in stack.running(name):
            warned = [line for line in open(program.log, encoding="utf-8") if "declared by somebody else" in line]
            for queue in queues:
                assert len([line for line in warned if f"queue {stack.prefix}{queue} " in line]) == 1, (name, queue, warned)
            assert len(warned) == len(queues)


@pytest.mark.limit(600)
def test_url_and_report_of_fifty(press, long):
    """More pages in flight than fit into `url`, more reports of them than fit into `report`."""
    site = NoIndex(20_000 if long else 2_000, LINKS)
    stack = press(AMQP_WINDOW=str(SMALL_WINDOW), FETCH_PER_HOST=str(WINDOW))
    declare_small(stack, "url", "report")
    with Server(site) as server:
        fetcher = stack.start("fetcher")
        stack.start("summarizer")
        ports = {"report": Port(), "url": Port()}
        parser = stack.start("parser", METRICS_ADDR=f"127.0.0.1:{ports['report']}")
        # A writer that takes little at once leaves the rest to the queue.
        writer = stack.start("writer", PREFETCH="8", METRICS_ADDR=f"127.0.0.1:{ports['url']}")
        with Gauge(stack, books_every=2 if long else 0.5) as gauge:
            begin(stack, server)
            for part in (0.1, 0.3, 0.5):
                reach(stack, admitted=2 * WINDOW, stored=int(part * site.pages / 4))
                parser.freeze()
                reach(stack, scheduled=WINDOW)
                # Some of those are tickets that `url` did not take, on their way back: what matters is what was fetched.
                until(stack, lambda: stack.depths()["html"] >= WINDOW // 2, "pages wait for the parser")
                writer.freeze()
                parser.thaw()
                until(stack, lambda: stack.depths()["report"] > FULL, "reports fill their queue")
                writer.thaw()
                fetcher.freeze()
                until(stack, lambda: stack.depths()["url"] > FULL, "tickets fill their queue")
                # The writer knows what to do meanwhile: it goes on taking what comes.
                until(stack, lambda: stack.depths()["summary"] == stack.depths()["report"] == 0, "the writer goes on")
                fetcher.thaw()
            finish(stack, site, server, 300)
            check_warnings(stack, "url", "report")
            assert all(counter(port, "gistmill_nacks_total") > 0 for port in ports.values()), "nobody was refused"
    assert stack.crawl().skipped == site.pages * 3 // 4
    print(f"\nqueues at most {gauge.depth}")
    assert FULL < gauge.depth["url"] <= SMALL + SMALL_WINDOW
    assert FULL < gauge.depth["report"] <= SMALL + 3 * SMALL_WINDOW
    assert all(gauge.depth[queue] <= WINDOW for queue in LINE)


def handed_back(program):
    return program.log_text().count("held for too long")


@pytest.mark.limit(300)
def test_held_for_too_long(press, long):
    """No summarizer, and queues before it that are full: the stages hand back once, and come again when there is room."""
    site = Synthetic(2_000 if long else 1_000, LINKS)
    stack = press(AMQP_WINDOW=str(SMALL_WINDOW), HOLD_MAX="3s")
    declare_small(stack, "html", "article")
    with Server(site) as server:
        started = one_of_each(stack)
        with Gauge(stack) as gauge:
            begin(stack, server)
            reach(stack, admitted=2 * WINDOW)
            before = {name: handed_back(started[name]) for name in ("fetcher", "parser", "writer")}  # none, but on a busy machine
            started["summarizer"].terminate()

            def since(name):
                return handed_back(started[name]) - before[name]
            until(stack, lambda: since("parser") and since("fetcher"), "both have handed back")
            let_pass(5)
            assert (since("fetcher"), since("parser"), since("writer")) == (1, 1, 0)
            depths = stack.depths()
            assert depths["article"] > FULL and depths["html"] > FULL
            stack.start("summarizer")
            finish(stack, site, server)
            check_warnings(stack, "html", "article")
    print(f"\nqueues at most {gauge.depth}, handed back {({name: handed_back(p) for name, p in started.items()})}")
    # What is handed back comes on top of what the queue holds.
    assert gauge.depth["article"] <= SMALL + SMALL_WINDOW + PREFETCH
    assert gauge.depth["html"] <= SMALL + SMALL_WINDOW + PREFETCH
    assert gauge.depth["url"] <= WINDOW


# The broker's alarm ---------------------------------------------------------------------------------------------------------

class Alarm:
    """The broker's memory alarm, as long as the with block lasts."""

    def __init__(self, broker):
        self.broker = broker

    def __enter__(self):
        self.broker.ctl("set_vm_memory_high_watermark", "0.0001")

    def __exit__(self, *_):
        self.broker.ctl("set_vm_memory_high_watermark", "0.4")


def releases(stack):
    return stack.value("select sum(release) from page")


class Slow(Synthetic):
    """Takes `after` seconds for an answer."""

    after = 0.2

    def __call__(self, request):
        body = super().__call__(request)
        return None if body is None else Reply(body, after=self.after)


@pytest.mark.limit(300)
@pytest.mark.parametrize("hold", ["5m", "14s"])
def test_memory_alarm(press, small_broker, long, hold):
    """Nobody may publish: the writer goes on taking, releases stop. It lasts until every ticket that is out is too old.

    hold: HOLD_MAX; the fetcher outwaits the alarm, or hands its tickets back meanwhile. The time it was frozen counts, too, for HOLD_MAX
    and for FETCH_TIMEOUT: with less than that a transfer just begun would be broken off, and its page asked for again.
    """
    site = Slow(4_000 if long else 1_000, LINKS)
    stack = press(TICKET_DEADLINE="3s", FETCH_TIMEOUT="15s", TICKET_GRACE="1s", HOLD_MAX=hold, FETCH_PER_HOST=str(WINDOW),
                  FETCH_CONCURRENCY="16")
    with Server(site) as server:
        started = one_of_each(stack, "writer")
        parser, fetcher = started["parser"], started["fetcher"]
        writer = stack.start("writer", PREFETCH="8")
        with Gauge(stack):
            begin(stack, server)
            reach(stack, admitted=2 * WINDOW, stored=site.pages // 10)
            # Pages wait for the parser, tickets for the fetcher; then summaries for the writer.
            parser.freeze()
            until(stack, lambda: stack.depths()["html"] >= WINDOW // 4, "pages wait")
            fetcher.freeze()
            writer.freeze()
            parser.thaw()
            until(stack, lambda: stack.depths()["html"] == 0 and stack.depths()["summary"] >= WINDOW // 8, "summaries wait")
            tickets = stack.value("select count(*) from ticket")
            with Alarm(small_broker):
                fetcher.thaw()
                until(stack, lambda: "blocks publishing" in fetcher.log_text(), "the fetcher has met the alarm")
                stored, waiting = stack.crawl().stored, stack.depths()["summary"]
                writer.thaw()
                reach(stack, stored=stored + waiting)
                until(stack, lambda: "blocks publishing" in writer.log_text(), "the writer has met the alarm")
                before = releases(stack)
                let_pass(20)  # more than deadline, fetch and grace
                assert handed_back(fetcher) == (hold == "14s")
                print(f"{waiting} summaries waited for the writer, {tickets} tickets were out")
                assert releases(stack) == before
            site.after = 0.0
            finish(stack, site, server)
