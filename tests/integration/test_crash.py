"""Whatever dies in the middle of a crawl, it comes to what an undisturbed one comes to, with closed books at every look."""

import os

import pytest

from support.crawl import QUICK, Site, chance, delete_queues, end_session, kill, kill_child, leader, same
from support.site import Folder, Server, Synthetic
from support.stack import PROGRAMS, Failure

MANUAL = "/usr/share/doc/postgresql-doc-15/html"
MANUAL_DEPTHS = {0: 1, 1: 111, 2: 1057}
VICTIMS = ("fetcher", "parser", "parser's child", "summarizer", "writer")


@pytest.fixture(scope="module")
def manual(undisturbed):
    """PostgreSQL's manual: 1,169 real pages."""
    if not os.path.exists(f"{MANUAL}/index.html"):
        raise Failure(f"{MANUAL} is not there: run deploy/install-deps site, it installs postgresql-doc-15")
    with Server(Folder(MANUAL)) as server:
        site = Site(server, "/index.html", sum(MANUAL_DEPTHS.values()), depth=2, limit=2000)
        site.wanted = undisturbed(site)
        yield site


def test_manual(manual):
    depths, states = {}, {}
    for depth, state, *_ in manual.wanted.values():
        depths[depth] = depths.get(depth, 0) + 1
        states[state] = states.get(state, 0) + 1
    assert depths == MANUAL_DEPTHS
    assert set(states) <= {"stored", "skipped", "error"} and states["stored"] > 1000, states
    assert not manual.server.twice()


# Programs -----------------------------------------------------------------------------------------------------------------

def strike(stack, victim, rng):
    """Kills one of these programs, and starts it again."""
    if victim == "parser's child":
        kill_child(rng.choice(stack.running("parser")))
    else:
        kill(stack, rng.choice(stack.running(victim)))


@pytest.mark.limit(600)
def test_programs_killed(make_stack, maze, manual, long):
    rng = chance()
    for site, kills in [(maze, 40), (manual, 40)] if long else [(maze, 8)]:
        stack = make_stack(**QUICK)
        stack.start_all()
        crawl = site.crawl(stack)
        victims = [VICTIMS[n % len(VICTIMS)] for n in range(kills)]
        rng.shuffle(victims)
        for pages, victim in zip(crawl.moments(kills, rng), victims):
            print(f"{pages} pages: {victim}")
            strike(stack, victim, rng)
        same(crawl.finish(), site.wanted)


@pytest.mark.limit(300)
def test_leading_writer_killed(make_stack, maze, long):
    rng = chance()
    stack = make_stack(**QUICK)
    stack.start_all({"writer": 2})
    crawl = maze.crawl(stack)
    for _ in crawl.moments(20 if long else 3, rng):
        leads = leader(stack)
        kill(stack, leads)
        leader(stack, other_than=leads)
    same(crawl.finish(), maze.wanted)


@pytest.mark.limit(300)
def test_leading_writer_frozen(make_stack, maze, long):
    """It loses its session, another one leads; when it wakes up nothing breaks."""
    stack = make_stack(**QUICK)
    stack.start_all({"writer": 2})
    crawl = maze.crawl(stack)
    for part in (0.2, 0.4, 0.6) if long else (0.3,):
        crawl.reach(part * maze.pages)
        first = leader(stack)
        first.freeze()
        if not long:
            end_session(stack)  # the long form waits until the server itself gives it up
        leader(stack, other_than=first, deadline=60)
        crawl.reach((part + 0.15) * maze.pages)
        assert crawl.running()
        first.thaw()
    same(crawl.finish(), maze.wanted)
    assert len(stack.running("writer")) == 2


# Services and queues ----------------------------------------------------------------------------------------------------------

SERVICES = {"broker": ("broker",), "database": ("database",), "both": ("broker", "database")}


@pytest.mark.limit(600)
@pytest.mark.parametrize("which", SERVICES)
def test_services_killed(make_stack, maze, long, which):
    rng = chance()
    stack = make_stack(**QUICK)
    stack.start_all()
    crawl = maze.crawl(stack)
    services = [getattr(stack, name) for name in SERVICES[which]]
    for pages in crawl.moments(8 if long else 1, rng):
        print(f"{pages} pages")
        for service in services:
            service.kill9()
        for service in services:
            service.start()
        for service in services:
            service.ready()
    same(crawl.finish(), maze.wanted)
    assert all(len(stack.running(name)) == 1 for name in PROGRAMS)


@pytest.mark.limit(600)
def test_connections_cut_politely(make_stack, undisturbed, long):
    """Whatever a cut leaves unsure, no host is asked more often than its delay allows."""
    rng = chance()
    delay = 0.1
    made = Synthetic(600 if long else 80, 8)
    with Server(made) as server:
        site = Site(server, "/0", made.pages, depth=20, limit=100_000)
        site.wanted = undisturbed(site)
        stack = make_stack(**QUICK | {"HOST_DELAY": f"{int(1000 * delay)}ms"})
        stack.start_all()
        crawl = site.crawl(stack)
        for _ in crawl.moments(40 if long else 4, rng, least=1):  # rabbitmqctl alone may take seconds
            stack.broker.ctl("close_all_connections", "a cable was pulled")
        same(crawl.finish(), site.wanted)
        assert min(server.gaps()) >= delay, sorted(server.gaps())[:5]


@pytest.mark.limit(600)
def test_queues_deleted(make_stack, maze, long):
    rng = chance()
    stack = make_stack(**QUICK)
    stack.start_all()
    crawl = maze.crawl(stack)
    for pages in crawl.moments(10 if long else 2, rng):
        print(f"{pages} pages")
        delete_queues(stack)
    same(crawl.finish(), maze.wanted)


@pytest.mark.limit(900)
def test_everything_at_once(make_stack, maze, long):
    """Two of each program; services die, queues vanish, programs are killed, in any order."""
    rng = chance()
    stack = make_stack(**QUICK)
    stack.start_all({name: 2 for name in PROGRAMS})
    crawl = maze.crawl(stack)
    strokes = ["queues", "broker", "database", *VICTIMS]
    strokes = rng.sample(strokes * 4, 32) if long else rng.sample(strokes, 3)
    for pages, stroke in zip(crawl.moments(len(strokes), rng), strokes):
        print(f"{pages} pages: {stroke}")
        if stroke == "queues":
            delete_queues(stack)
        elif stroke in SERVICES:
            getattr(stack, stroke).restart()
        else:
            strike(stack, stroke, rng)
    same(crawl.finish(), maze.wanted)
