"""Sites that fail in every way, while programs are killed: each page comes to what its fault predicts."""

import collections
import threading

import pytest

from support.crawl import QUICK, Crawl, chance, kill, kill_child, outline, same
from support.faulty import KINDS, Faulty
from support.site import Reply, Server, page
from support.stack import wait_until

VICTIMS = ("fetcher", "parser", "parser's child", "summarizer", "writer")

# A slow answer takes longer than FETCH_FIRST_BYTE_TIMEOUT. HOST_STALL: of hosts that say 429 for ever; longer than the others fail in a row.
TIMES = QUICK | {
    "ATTEMPTS": "4", "RETRY_BACKOFF": "50ms", "RETRY_BACKOFF_MAX": "100ms", "FETCH_FIRST_BYTE_TIMEOUT": "2s",
    "HOST_BACKOFF_MAX": "100ms", "RETRY_AFTER_MAX": "200ms", "HOST_STALL": "25s",
}


def crawl(site, stack, wanted):
    site.fresh()
    return Crawl(stack, site.root, len(wanted), depth=site.DEPTH, limit=100_000, scope="any")


@pytest.mark.limit(900)
def test_every_fault_and_all_programs_killed(make_stack, long):
    rng = chance()
    kills = 200 if long else 8
    times = TIMES | ({"HOST_STALL": "90s"} if long else {})
    with Faulty(3000 if long else 240) as site:
        wanted = site.expected()
        kinds = collections.Counter((node.kind, node.passes) for node in site.nodes if node.url in wanted)
        assert kinds.keys() >= {(kind, False) for kind in KINDS} | {(kind, True) for kind in KINDS if KINDS[kind].passes}, kinds

        calm = make_stack(**times)
        calm.start_all()
        calm_pages = crawl(site, calm, wanted).finish(300)
        same(outline(calm_pages), wanted)
        calm.close()

        stack = make_stack(**times)
        stack.start_all({"writer": 2, "fetcher": 2})
        disturbed = crawl(site, stack, wanted)
        victims = [VICTIMS[n % len(VICTIMS)] for n in range(kills)]
        rng.shuffle(victims)
        for pages, victim in zip(disturbed.moments(kills, rng), victims):
            print(f"{pages} pages: {victim}")
            if victim == "parser's child":
                kill_child(rng.choice(stack.running("parser")))
            else:
                kill(stack, rng.choice(stack.running(victim)))
        same(disturbed.finish(300), calm_pages)
        assert disturbed.looks > kills


LATE = 3600  # seconds: as far as this test goes


@pytest.mark.limit(240)
def test_a_slow_host_costs_the_others_nothing(make_stack):
    """While one of fifty hosts does not answer, all the others' pages are fetched and stored, in the same time as without it."""
    hosts, pages, delay = 50, 12, "30ms"
    patient = {"FETCH_FIRST_BYTE_TIMEOUT": "5m", "FETCH_TIMEOUT": "5m"}
    held, asked = threading.Event(), threading.Event()
    times = {}

    def site(request):
        name, number = request.host.partition(".")[0], request.path[1:]
        if request.path == "/robots.txt" or not number.isdigit():
            return None
        if number == "0" and name == "h0":
            return page("All hosts", [server.url("/1", f"h{n}.localhost") for n in range(hosts)], words=92)
        if name == "h1" and held.is_set():
            asked.set()
            return Reply(page(f"{name} {number}", words=92), after=LATE)
        following = [f"/{int(number) + 1}"] if int(number) < pages else []
        return page(f"{name} {number}", following, words=92)

    def others(stack):
        return stack.value("select count(*) from page where state = 'stored' and url not like 'http://h1.%%'")

    with Server({None: site}) as server:
        for slow in (False, True):
            (held.set if slow else held.clear)()
            stack = make_stack(HOST_DELAY=delay, HOST_DELAY_FACTOR="0", **patient)
            stack.start_all()
            elapsed = stack.elapsed()
            stack.seed(server.url("/0", "h0.localhost"), depth=pages + 1, scope="any", limit=100_000)
            wait_until(lambda s=stack: others(s) == 1 + (hosts - 1) * pages, 60, lambda s=stack: f"all others are stored: {others(s)}")
            times[slow] = elapsed()
            if slow:
                assert asked.is_set()
                assert [tuple(row) for row in stack.query("select state::text, code from page where url like 'http://h1.%%'")] == [("scheduled", None)]
            else:
                assert stack.wait_completed().stored == 1 + hosts * pages
            assert stack.books() == []
            stack.close()
    print(f"\nseconds without and with the slow host: {times[False]:.2f} {times[True]:.2f}")
    assert times[True] < 2 * times[False] + 5  # the machine may be busier now
