"""Queues that the broker has in its list and nowhere else: to be declared and looked at, of no use to anybody."""

import re

import pytest

from support.crawl import QUICK, delete_queues, same, wait_consumed
from support.process import frozen
from support.stack import PROGRAMS, QUEUES, wait_until

ASKED_FOR = ("seed", "seed.express")  # what is in them nobody else knows


def without_process(stack):
    """The queues of ours that have none."""
    names = ", ".join(f"'%2F_{stack.prefix}{queue}'" for queue in QUEUES)
    answer = stack.broker.ctl("eval", f"[N || N <- [{names}], whereis(N) =:= undefined].")
    return re.findall(f"'%2F_{re.escape(stack.prefix)}([^']+)'", answer)


def hollow_out(stack):
    """What RabbitMQ 3.10 does by itself when it is killed before it has written down where a new queue's files are."""
    for _ in range(5):
        delete_queues(stack)
        wait_until(lambda: None not in stack.depths().values(), 30, "all queues are there again")
        stack.broker.kill9(settled=False)
        stack.broker.start().ready()
        hollow = without_process(stack)
        if set(hollow) - set(ASKED_FOR):
            return hollow
    raise AssertionError("the broker kept its queues")


@pytest.mark.limit(300)
def test_queues_come_back_hollow(press, maze):
    """Two of each program find it out together. What the database knows is made anew; requests wait for a person."""
    stack = press(**QUICK)
    stack.start_all({name: 2 for name in PROGRAMS})
    crawl = maze.crawl(stack)
    crawl.reach(maze.pages // 3)
    with frozen(*stack.running("summarizer")):  # the crawl must not end meanwhile
        hollow = hollow_out(stack)
    print("without a process:", *hollow)
    assert crawl.running()
    same(crawl.finish(), maze.wanted)
    assert set(without_process(stack)) <= set(ASKED_FOR)
    said = [line.get("msg", "") for name in PROGRAMS for line in stack.log_lines(name, level="warn")]
    for queue in set(hollow) - set(ASKED_FOR):
        assert [words for words in said if words.startswith(f"queue {stack.prefix}{queue} refuses everybody")], queue
    wait = set(hollow) & set(ASKED_FOR)
    if wait:
        wait_until(lambda: stack.log_lines("writer", level="error"), 60, "a writer asks for a person")
        stack.delete_queues(*wait)
    wait_consumed(stack)


@pytest.mark.limit(300)
def test_processes_of_queues_end(press, maze):
    """The broker runs on. Who published to such a queue before gets neither ack nor nack any more."""
    stack = press(**QUICK)
    stack.start_all()
    crawl = maze.crawl(stack)
    crawl.reach(maze.pages // 3)
    names = ", ".join(f"'%2F_{stack.prefix}{queue}'" for queue in ("url", "html", "article", "summary", "report"))
    with frozen(*stack.running("summarizer")):  # the crawl must not end meanwhile
        stack.broker.ctl("eval", f"[ra:force_delete_server(quorum_queues, {{N, node()}}) || N <- [{names}]].")
    assert crawl.running()
    same(crawl.finish(), maze.wanted)
    assert without_process(stack) == []


@pytest.mark.limit(300)
def test_process_of_a_queue_hangs(press, maze):
    """It is there and answers nobody, as RabbitMQ 3.10 has it now and then after the same kill."""
    stack = press(**QUICK)
    stack.start_all({"writer": 2})
    crawl = maze.crawl(stack)
    crawl.reach(maze.pages // 3)
    with frozen(*stack.running("summarizer")):  # the crawl must not end meanwhile
        hung = stack.broker.ctl("eval", f"P = whereis('%2F_{stack.prefix}report'), sys:suspend(P), P.").strip()
    assert crawl.running()
    same(crawl.finish(), maze.wanted)
    assert stack.broker.ctl("eval", f"whereis('%2F_{stack.prefix}report').").strip() != hung
    wait_consumed(stack)
