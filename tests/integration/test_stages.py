"""Where the pages of a crawl are: counts by stage that add up to `scheduled` at every look, and a page's own view."""

import os
import signal

from support.fake_llm import FakeLLM
from support.gateway import Gateway
from support.process import descendants
from support.site import Pages, Reply, Server, page
from support.stack import wait_until

UNDER_WAY = ("queued", "fetching", "parsing", "awaiting", "summarizing", "storing")
# The model and the slow site take longer than the test; nobody gives up before.
PATIENT = {"SUMMARY_MODEL": "fake", "SUMMARY_TIMEOUT": "60s", "SUMMARY_GRACE": "60s", "LEASE": "500s", "HOLD_MAX": "300s", "FETCH_TIMEOUT": "300s",
           "FETCH_FIRST_BYTE_TIMEOUT": "290s", "FETCH_LOW_SPEED": "0", "PARSE_TIMEOUT": "60s"}


def stages(gateway, crawl):
    """The counts that are not 0; looks whether they add up."""
    counts = gateway.data(f"/v1/crawl/{crawl}")["counts"]
    assert sum(counts[name] for name in UNDER_WAY) == counts["scheduled"], counts
    ends = sum(counts[name] for name in ("stored", "skipped", "error", "cancelled"))
    assert counts["admitted"] == counts["registered"] + counts["scheduled"] + ends and all(n >= 0 for n in counts.values()), counts
    return {name: counts[name] for name in UNDER_WAY if counts[name]}


def reaches(gateway, crawl, wanted, deadline=30):
    wait_until(lambda: stages(gateway, crawl) == wanted, deadline, lambda: f"{wanted}: {stages(gateway, crawl)}")


def now_of(gateway, crawl, part):
    """What the views of a page, and of its summary, say of where it is."""
    found = gateway.data(f"/v1/crawl/{crawl}/pages", q=part)
    own = gateway.data(f"/v1/page/{found[0]['id']}")["now"]
    told = gateway.get("/v1/summary", url=found[0]["url"])
    assert told.status == 202 and told.json["now"]["stage"] == own["stage"], (own, told)
    return own


def test_from_stage_to_stage(make_stack):
    """Each stage is held up in turn: a site that does not answer, a parser's child that is frozen, nobody to summarise, a model that thinks."""
    pages = {f"/slow{n}": Reply(after=600) for n in range(3)} | {f"/text{n}": page("One text on all of them", seed=1) for n in range(4)}
    with Server(Pages(pages)) as site, FakeLLM(mode="hold") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **PATIENT)
        stack.start("writer")
        parser = stack.start("parser")
        child = wait_until(lambda: next(iter(descendants(parser.pid)), None), 20, "the parser has a child")
        os.kill(child.pid, signal.SIGSTOP)
        gateway = Gateway(stack)
        crawl = gateway.post("/v1/crawl", {"urls": [site.url(path) for path in pages], "depth": 0, "limit": 100}).json["id"]
        stack.start("fetcher")
        reaches(gateway, crawl, {"fetching": 3, "parsing": 4})
        assert now_of(gateway, crawl, "slow1")["stage"] == "fetching" and now_of(gateway, crawl, "text1")["stage"] == "parsing"
        since = now_of(gateway, crawl, "text1")["since"]
        wait_until(lambda: stack.value("select max(at) from hand where program = 'parser'") > stack.value("select %s::timestamptz + interval '2 s'", since),
                   20, "the parser speaks again")
        assert now_of(gateway, crawl, "text1")["since"] == since  # the same moment, whenever it is told
        os.kill(child.pid, signal.SIGCONT)
        reaches(gateway, crawl, {"fetching": 3, "queued": 4})
        assert now_of(gateway, crawl, "text1") == {"stage": "queued", "since": None}
        first = stack.start("summarizer", PREFETCH="1")
        reaches(gateway, crawl, {"fetching": 3, "queued": 3, "summarizing": 1})
        stack.start("summarizer")
        reaches(gateway, crawl, {"fetching": 3, "awaiting": 3, "summarizing": 1})
        assert sorted(now_of(gateway, crawl, f"text{n}")["stage"] for n in range(4)) == ["awaiting"] * 3 + ["summarizing"]
        # Who is killed has nothing in hand, though nobody says so: its page is another one's, or in the queue.
        first.kill9()
        reaches(gateway, crawl, {"fetching": 3, "awaiting": 4})
        assert stack.books() == []


def test_farthest_of_two(stack):
    """A page in two hands is counted once, where it is farther; a void release nowhere; what was counted is cut to what is scheduled."""
    stack.start("writer").terminate()
    gateway = Gateway(stack)
    stack.query("insert into host (name) values ('h')")
    stack.query("insert into crawl (request, seed, scope, max_depth, max_pages, admitted, scheduled, open) values (gen_random_uuid(), 'http://h/', 'any', 1, 9, 5, 5, 5)")
    crawl = stack.value("select max(id) from crawl")
    stack.query("insert into page (crawl_id, url_hash, url, host_id, state, release, void_release, depth, scheduled_at) select %s, gen_random_uuid(), 'http://h/' || n, "
                "(select id from host where name = 'h'), 'scheduled', 7, 5, 0, now() from generate_series(1, 5) n", crawl)
    one, two, three, four, five = [row[0] for row in stack.query("select id from page where crawl_id = %s order by id", crawl)]
    hands = {"fetcher": [(one, 7), (two, 7), (three, 7)], "parser": [(one, 7), (four, 6)], "writer": [(two, 7), (five, 5)], "summarizer": [(999999, 1)], "stranger": [(three, 7)]}
    for program, pages in hands.items():
        stack.query("insert into hand values (%s, %s, now(), %s, %s, %s)", program, program, [p for p, _ in pages], [r for _, r in pages], [1] * len(pages))
    stack.query("select crawl_now_count()")
    assert stages(gateway, crawl) == {"queued": 1, "fetching": 1, "parsing": 2, "storing": 1}
    stack.query("update crawl set scheduled = 2, stored = 3, open = 2 where id = %s", crawl)
    assert stages(gateway, crawl) == {"parsing": 1, "storing": 1}
    stack.query("update hand set at = now() - interval '20 s'")
    stack.query("select crawl_now_count()")
    assert stages(gateway, crawl) == {"queued": 2}
