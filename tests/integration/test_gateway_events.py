"""Event streams: no gap, no repetition, `done` last; across kills of the gateway, two gateways, slow and many readers."""

import threading

import pytest

from support.gateway import Gateway, descriptors
from support.site import Pages, Server, Synthetic, page
from support.stack import wait_until


def ids(events):
    return [event.id for event in events if event.id is not None]


def check_whole(events, pages, first="start"):
    """A whole stream from the first event on: each page once, numbers grow, done is last."""
    assert events[0].name == first and events[-1].name == "done", [event.name for event in events]
    seen = [event.data["url"] for event in events if event.name == "page"]
    assert len(seen) == len(set(seen)) == pages, (len(seen), len(set(seen)), pages)
    numbers = ids(events)
    assert numbers == sorted(set(numbers)), numbers
    assert events[-1].id == numbers[-1] and events[-1].data["state"] in ("completed", "cancelled")


def test_stream_from_the_beginning_and_again(make_stack):
    stack = make_stack()
    stack.start_all()
    gateway = Gateway(stack)
    with Server(Synthetic(60, 6)) as site:
        crawl = gateway.crawl(site.url("/0"), depth=6)
        live = list(gateway.events(crawl, after=0))
        check_whole(live, 60)
    assert live[0].data["id"] == crawl and live[-1].data["counts"]["stored"] == 60 and live[-1].data["news"]["added"] == 60
    assert all(event.data["state"] == "stored" and event.data["title"] for event in live if event.name == "page")
    again = list(gateway.events(crawl, after=0))
    check_whole(again, 60)
    numbers = ids(again)
    for cut in (numbers[5], numbers[30], numbers[-2]):  # from any place it goes on without a gap
        rest = list(gateway.events(crawl, last=cut))
        assert rest[0].id == cut and ids(rest)[1:] == [number for number in numbers if number > cut] and rest[-1].name == "done"
    ended = gateway.events(crawl)
    assert [event.name for event in ended] == ["start", "done"]
    assert gateway.events(crawl, last=numbers[-1]).status == 204 == gateway.events(crawl, last=10**17).status
    assert gateway.events(crawl, last="nonsense").status == 200
    assert gateway.events(crawl, headers={"Last-Event-ID": "-1"}).headers["Content-Type"].startswith("text/event-stream")


@pytest.mark.limit(180)
def test_kill_the_gateway_in_between(make_stack):
    """kill -9 again and again: a client that sends its last number misses nothing and hears nothing twice; a second gateway does as well."""
    stack = make_stack(HOST_DELAY="40ms")
    stack.start_all()
    gateway = Gateway(stack)
    other = Gateway(stack)
    with Server(Synthetic(120, 6)) as site:
        crawl = gateway.crawl(site.url("/0"), depth=6)
        events, last, rounds = [], 0, 0
        while not events or events[-1].name != "done":
            stream = (gateway if rounds % 3 < 2 else other).events(crawl, last=last)
            for event in stream:
                if event.name == "start" and rounds > 0:
                    assert event.id == last
                    continue
                events.append(event)
                last = event.id if event.id is not None else last
                if event.name == "page" and len(events) > 30 * (rounds + 1):
                    break
            rounds += 1
            if events[-1].name != "done":
                gateway.kill_and_restart()
            stream.close()
        check_whole(events, 120)
        assert rounds >= 3
    assert stack.books() == []


def test_progress_and_state(make_stack):
    """Pause and resume come as they happen; progress not more often than every 500 ms; cancel ends the stream with done."""
    stack = make_stack(HOST_DELAY="100ms")
    stack.start_all()
    gateway = Gateway(stack)
    with Server(Synthetic(300, 6)) as site:
        crawl = gateway.crawl(site.url("/0"), depth=6, limit=1000)
        stream = gateway.events(crawl)
        found = iter(stream)
        assert next(found).name == "start"
        next(event for event in found if event.name == "page")
        gateway.post(f"/v1/crawl/{crawl}/pause")
        next(event for event in found if event.name == "progress" and event.data["state"] == "paused" and event.id)
        gateway.post(f"/v1/crawl/{crawl}/resume")
        next(event for event in found if event.name == "progress" and event.data["state"] == "running" and event.id)
        gateway.ask("DELETE", f"/v1/crawl/{crawl}")
        rest = list(found)
        assert rest[-1].name == "done" and rest[-1].data["state"] == "cancelled"


def test_new_run_after_done(make_stack):
    """done ends the stream; who comes again with its number hears of the next run."""
    stack = make_stack()
    stack.start_all()
    gateway = Gateway(stack)
    with Server(Pages({"/": page("Home", seed=1)})) as site:
        crawl = gateway.crawl(site.url("/"), depth=0)
        first = gateway.events(crawl, after=0).until("done")
        gateway.post(f"/v1/crawl/{crawl}/recrawl")
        second = list(gateway.events(crawl, last=first[-1].id))
        assert second[-1].name == "done" and second[-1].id > first[-1].id and second[-1].data["run"] == 2


def test_many_and_slow_readers(make_stack):
    """200 readers of one crawl, half of which read nothing: the others get all, memory stays, nothing is left behind."""
    stack = make_stack(HOST_DELAY="20ms")
    stack.start_all()
    gateway = Gateway(stack)
    before = descriptors(gateway.program.pid) + 6
    with Server(Synthetic(150, 6)) as site:
        crawl = gateway.crawl(site.url("/0"), depth=6)
        memory = gateway.metric("process_resident_memory_bytes")
        deaf = [gateway.connect() for _ in range(100)]
        for sock in deaf:
            sock.sendall(f"GET /v1/crawl/{crawl}/events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        streams = [gateway.events(crawl, after=0) for _ in range(100)]
        heard = []
        threads = [threading.Thread(target=lambda s=stream: heard.append(list(s))) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(180)
        assert len(heard) == 100
        for events in heard:
            check_whole(events, 150)
        assert gateway.metric("process_resident_memory_bytes") - memory < 64 << 20
        for open_one in deaf + streams:
            open_one.close()
    wait_until(lambda: gateway.metric("gistmill_gateway_streams") == 0, 20, "streams are closed")
    wait_until(lambda: descriptors(gateway.program.pid) <= before, 20, "no descriptor is left")
    assert stack.books() == []
