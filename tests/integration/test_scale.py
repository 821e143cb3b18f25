"""Several of each program, messages held back, stages away: nothing is early, nothing is fetched twice, nothing is lost."""

import json
import signal

import pytest

from support.crawl import QUICK, Site, chance, same
from support.fake_llm import FakeLLM
from support.site import Server, Synthetic
from support.stack import PROGRAMS, wait_until

# The times of a held report a tenth of what they are by default; the heartbeat, and what follows from it, less so, nor what a fetch may take.
TENTH = {"AMQP_HEARTBEAT": "3s", "HOLD_MAX": "30s", "SUMMARY_TIMEOUT": "6s", "LEASE": "60s",
         "TICKET_DEADLINE": "3s", "FETCH_TIMEOUT": "10s", "TICKET_GRACE": "3s"}


@pytest.mark.limit(180)
@pytest.mark.parametrize("count", [2, 4, 8])
def test_many_of_each(make_stack, maze, count):
    stack = make_stack()
    stack.start_all({name: count for name in PROGRAMS})
    same(maze.crawl(stack).finish(), maze.wanted)
    maze.check_asked()


# A report that comes late ---------------------------------------------------------------------------------------------------

def ends_pages(properties, body):
    """True if a report ends pages: redirects, errors, pages without an article."""
    if properties.content_encoding:
        return False  # too large to be one of those
    records = json.loads(body)
    return any(r["kind"] in ("verdict", "empty") for r in (records if isinstance(records, list) else [records]))


def take_report(channel, queue):
    """Takes the next report that ends a page and leaves it unacked; returns its tag. All others go back."""
    taken = []

    def on_message(_channel, method, properties, body):
        if not taken and ends_pages(properties, body):
            taken.append(method.delivery_tag)
        else:
            channel.basic_reject(method.delivery_tag, requeue=True)

    channel.basic_qos(prefetch_count=2)
    tag = channel.basic_consume(queue, on_message)
    wait_until(lambda: channel.connection.process_data_events(0.01) or taken, 30, "a report that ends a page")
    channel.basic_cancel(tag)
    return taken[0]


@pytest.mark.limit(180)
def test_report_held_back(make_stack, maze, long):
    """No crawl completes early: it waits for the report, though all the rest is done."""
    hold = 60 if long else 6  # seconds; less than a ticket lives, or the page would be asked for again
    stack = make_stack(**({} if long else TENTH))
    stack.start_all()
    crawl = maze.crawl(stack)
    crawl.reach(maze.pages // 5)
    with stack.broker.channel() as channel:
        tag = take_report(channel, stack.prefix + "report")
        held = stack.elapsed()
        while held() < hold:
            channel.connection.process_data_events(0.1)
            assert crawl.look() < maze.pages and crawl.running(), "completed although a report is missing"
        channel.basic_reject(tag, requeue=True)
    same(crawl.finish(), maze.wanted)
    maze.check_asked()


# Stages away for long ----------------------------------------------------------------------------------------------------

@pytest.mark.limit(400)
def test_stage_away_for_longer_than_the_lease(make_stack, maze, long):
    """First it is not there at all, later it is frozen. Nothing is fetched again meanwhile."""
    lease = 60 if long else 8
    for name in ("summarizer", "parser") if long else ("summarizer",):
        stack = make_stack(AMQP_HEARTBEAT="1s", HOLD_MAX="2s", SUMMARY_TIMEOUT="300ms", LEASE=f"{int(1000 * lease)}ms",
                           FRONTIER_WINDOW="40")
        stack.start_all({name: 0})
        crawl = maze.crawl(stack)
        wait_out(crawl, lease)
        stage = stack.start(name)
        crawl.reach(maze.pages // 2)
        stage.freeze()
        wait_out(crawl, lease)
        stage.thaw()
        same(crawl.finish(), maze.wanted)
        maze.check_asked()


def wait_out(crawl, lease):
    """A fifth longer than the lease, and looks."""
    away = crawl.stack.elapsed()
    wait_until(lambda: crawl.look() is not None and away() > 1.2 * lease, 10 * lease, interval=0.2)
    assert crawl.running()


# Messages in hand --------------------------------------------------------------------------------------------------------

INPUTS = {"fetcher": ["url"], "parser": ["html"], "summarizer": ["article"], "writer": ["report", "summary"]}


def waits_for(stack, name):
    depths = stack.depths()
    return any(depths[queue] for queue in INPUTS[name])


@pytest.mark.limit(900)
def test_restarts_with_messages_in_hand(make_stack, undisturbed, long):
    """kill -9 and SIGTERM in turns; each time the program has as many messages as it may hold, and more wait."""
    rng = chance()
    times = 25 if long else 5
    made = Synthetic(100 + 100 * times, 8)
    few = {"PREFETCH": "4", "FETCH_CONCURRENCY": "4", "FETCH_PER_HOST": "40", "FRONTIER_WINDOW": "24"}
    with Server(made) as server:
        site = Site(server, "/0", made.pages, depth=20, limit=100_000)
        site.wanted = undisturbed(site)
        stack = make_stack(**QUICK | few)
        programs = {name: started[0] for name, started in stack.start_all().items()}
        crawl = site.crawl(stack)
        crawl.reach(20)
        for turn in range(times * len(PROGRAMS)):
            name = PROGRAMS[turn % len(PROGRAMS)]
            program = programs[name]
            program.freeze()
            wait_until(lambda: waits_for(stack, name) or not crawl.running(), 30,
                       lambda: f"messages wait for the {name}: {crawl.state()}")
            if not crawl.running():
                assert 2 * turn >= times * len(PROGRAMS), f"the crawl was over after {turn} restarts: make it longer"
                program.thaw()
                break
            if rng.random() < 0.5:
                program.kill9()
            else:
                program.send(signal.SIGTERM)
                program.thaw()
                assert program.wait(30) == 0
            programs[name] = stack.restart(program)
        same(crawl.finish(), site.wanted)


def test_same_messages_in_hand_at_each_kill(make_stack, maze, long):
    """The broker counts how often it has delivered a message; that is no reason to bury it."""
    stack = make_stack(**QUICK | {"HOLD_MAX": "50s", "LEASE": "1m"})
    programs = stack.start_all()
    crawl = maze.crawl(stack)
    crawl.reach(maze.pages // 4)
    programs["summarizer"][0].kill9()
    with FakeLLM(mode="hang") as llm:
        for _ in range(60 if long else 25):
            asked = len(llm.requests)
            summarizer = stack.start("summarizer", OPENAI_BASE_URL=llm.url, SUMMARY_MODEL="fake", SUMMARY_TIMEOUT="40s")
            wait_until(lambda: len(llm.requests) > asked, 20, "the model is asked")
            summarizer.kill9()
            stack.query("delete from summary where text is null")  # its leases: the next one gets the same messages, and asks
    stack.start("summarizer")
    same(crawl.finish(), maze.wanted)
