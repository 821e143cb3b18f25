"""No text is bought twice: one lease a text, whoever dies; and whoever finds a text being bought does not wait with it in hand."""

import collections
import signal

import pytest

from support.crawl import Crawl, chance, kill
from support.fake_llm import FakeLLM, article_of
from support.site import Pages, Server, page
from support.stack import wait_until

# No call is late because the machine was busy: it would be paid for, and asked for once more. Who wants a lease to be over, ends it.
MODEL = {"SUMMARY_MODEL": "fake", "SUMMARY_TIMEOUT": "20s", "SUMMARY_GRACE": "10m", "SUMMARY_PAUSE": "500ms",
         "AMQP_HEARTBEAT": "1s", "HOLD_MAX": "25s", "LEASE": "60s"}
CALL = 0.3  # seconds, so that a kill meets some calls under way


def site_of(pages, texts):
    """So many pages, one hub, each text on as many pages."""
    links = [f"/{n}" for n in range(pages)]
    made = {"/": page("Hub", links)}
    made |= {name: page(f"Text {n % texts}") for n, name in enumerate(links)}
    return Pages(made)


def bought(llm):
    """How often the endpoint was asked for each text."""
    return collections.Counter(article_of(request["user"]) for request in llm.requests)


def calls(stack, where="true"):
    return stack.value(f"select count(*) from llm_call where {where}")


@pytest.mark.limit(300)
def test_no_text_is_bought_twice(make_stack, long):
    """Four summarizers, killed at random: each text once, and again at most what was under way at a kill."""
    pages, texts, kills = (1500, 300, 12) if long else (500, 100, 5)
    rng = chance()
    with Server(site_of(pages, texts)) as server, FakeLLM(delay=CALL) as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, FRONTIER_WINDOW="64", **MODEL | {"SUMMARY_TIMEOUT": "5s", "SUMMARY_GRACE": "1s",
                                                                                     "HOLD_MAX": "2500ms", "LEASE": "12s"})
        stack.start_all({"summarizer": 4}, PREFETCH="4")
        crawl = Crawl(stack, server.url(), pages + 1, depth=1, limit=10_000)
        under_way = 0
        for number in range(kills):
            wait_until(lambda: llm.under_way > 0 and len(llm.requests) > number * texts / (kills + 1), 60, "calls under way")
            victim = rng.choice(stack.running("summarizer"))
            kill(stack, victim)
            under_way += 4  # PREFETCH
        ended = crawl.finish(120)
        assert {state for _, state, *_ in ended.values()} == {"stored"} and len(ended) == pages + 1
        asked = bought(llm)
        assert len(asked) == texts + 1
        lost = calls(stack, "received_at is null")
        print(f"{texts + 1} texts on {pages + 1} pages, {kills} kills: {len(llm.requests)} requests, {lost} calls never came back")
        # What is asked for again was being bought, or had come back and was not handed on.
        assert sum(asked.values()) - len(asked) <= under_way and lost <= under_way, (asked.most_common(5), lost)
        # The ledger and the endpoint agree: what was asked is a row, what came back says what it was.
        assert calls(stack, "sent_at is not null") >= len(llm.requests) >= calls(stack, "received_at is not null")
        assert calls(stack, "received_at is not null and (request_id is null or tokens_in = 0 or tokens_out = 0 or ms < 250)") == 0
        assert stack.value("select count(*) from summary where text is null") == 0
        assert stack.value("select count(*) from summary where engine = 'llm'") == texts + 1
        assert stack.value("select count(*) from page where state = 'stored' and reason is null") == pages + 1
        wait_until(lambda: stack.value("select count(*) from awaited") == 0, 10, "nobody waits")


def test_who_finds_a_lease_does_not_wait(make_stack):
    """The page is kept aside, its crawl completes after the answer."""
    with Server(site_of(2, 1)) as server, FakeLLM(mode="hold") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        stack.start_all({"summarizer": 2}, PREFETCH="1")
        stack.seed(server.url("/0"), depth=0, limit=10)
        wait_until(lambda: llm.under_way == 1, 20, "the text is being bought")
        stack.seed(server.url("/1"), depth=0, limit=10)
        wait_until(lambda: stack.value("select count(*) from awaited") == 1, 20, "the second page waits")
        assert stack.depths()["article"] == 0
        assert stack.value("select count(*) from page where state = 'scheduled'") == 2
        waits = [row[0]["for"] for row in stack.query("select page_waits(page) from page order by id")]
        assert waits == ["result", "summary"]
        assert not stack.books()
        llm.release()
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == 2, 20, "both crawls are complete")
        assert len(llm.requests) == 1
        assert stack.value("select count(distinct summary.text) from summary") == 1
        assert not stack.books()


def lease_over(stack):
    """What SUMMARY_TIMEOUT and SUMMARY_GRACE come to."""
    stack.query("update summary set lease_until = now() where lease_until is not null")


def test_stored_answers_are_used(make_stack):
    """Another crawl, another summarizer: what is stored under the same recipe is not bought."""
    with Server(site_of(6, 3)) as server, FakeLLM() as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        programs = stack.start_all()
        Crawl(stack, server.url(), 7, depth=1, limit=10).finish()
        assert len(llm.requests) == 4
        programs["summarizer"][0].terminate()
        stack.start("summarizer")
        Crawl(stack, server.url("/1"), 1, depth=0, limit=10).finish()
        assert len(llm.requests) == 4


def test_nothing_is_bought_for_a_cancelled_crawl(make_stack):
    with Server(site_of(2, 2)) as server, FakeLLM() as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        stack.seed(server.url("/0"), depth=0, limit=10)
        wait_until(lambda: stack.depths()["article"] == 1, 20, "the article is there")
        stack.query("update crawl set cancel_at = now() where not is_inbox")
        stack.start("summarizer")
        row = stack.wait_final(server.url("/0"))
        assert (row.state, row.reason) == ("stored", "CANCELLED")
        assert not llm.requests and calls(stack) == 0


def test_a_dead_buyer_is_replaced(make_stack):
    """Its page waits elsewhere: when the lease is over the text goes to `article` again, under a new number."""
    with Server(site_of(2, 1)) as server, FakeLLM(mode="hold") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        first = stack.start("summarizer", PREFETCH="1")
        stack.seed(server.url("/0"), depth=0, limit=10)
        wait_until(lambda: llm.under_way == 1, 20, "the text is being bought")
        second = stack.start("summarizer", PREFETCH="1")
        stack.seed(server.url("/1"), depth=0, limit=10)
        wait_until(lambda: stack.value("select count(*) from awaited") == 1, 20, "the second page waits")
        llm.mode = "ok"
        first.kill9()
        lease_over(stack)
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == 2, 30, "both crawls are complete")
        assert second.alive() and len(llm.requests) == 2
        assert calls(stack, "received_at is null") == 1
        assert not stack.books()


def test_a_frozen_buyer_is_replaced(make_stack):
    """When it wakes up its lease is over and somebody else's answer is stored: it changes nothing, and goes on."""
    with Server(site_of(3, 2)) as server, FakeLLM(mode="hold") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        frozen = stack.start("summarizer", PREFETCH="1", SUMMARY_TIMEOUT="5s")  # which end when it wakes up
        stack.seed(server.url("/0"), depth=0, limit=10)
        wait_until(lambda: llm.under_way == 1, 20, "the text is being bought")
        frozen.freeze()
        lease_over(stack)
        llm.mode = "ok"
        other = stack.start("summarizer", PREFETCH="1")
        stack.seed(server.url("/2"), depth=0, limit=10)
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == 2, 30, "both crawls are complete")
        stored = [tuple(row) for row in stack.query("select * from summary")]
        assert len(llm.requests) == 2 and len(stored) == 1
        frozen.thaw()
        wait_until(lambda: calls(stack, "received_at is not null") >= 2, 30, "it has given its call up")
        other.terminate()
        stack.seed(server.url("/1"), depth=0, limit=10)
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == 3, 30, "it goes on")
        assert [row for row in stored if row in [tuple(row) for row in stack.query("select * from summary")]] == stored
        assert set(bought(llm).values()) == {1, 2} and not stack.books()


# Money ----------------------------------------------------------------------------------------------------------------

BUDGET = {"SUMMARY_MAX_TOKENS": "100", "PRICE_INPUT": "2", "PRICE_CACHED": "0.5", "PRICE_OUTPUT": "10", "PREFETCH": "2"}


def spent(stack, scope):
    return stack.query("select tokens, price from budget where scope like %s", scope + " %")[0]


@pytest.mark.parametrize("budget", [{"BUDGET_CRAWL_TOKENS": "4000"}, {"BUDGET_CRAWL_MONEY": "0.008"}], ids=["tokens", "money"])
def test_budget_of_a_crawl(make_stack, budget):
    """`auto`: when it is used up the rest is extracted, and says so. What was reserved is settled."""
    with Server(site_of(12, 12)) as server, FakeLLM() as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **budget, **MODEL)
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        stack.start("summarizer", **BUDGET)
        ended = Crawl(stack, server.url(), 13, depth=1, limit=100).finish()
        assert {state for _, state, *_ in ended.values()} == {"stored"}
        assert 1 < len(llm.requests) < 12
        counts = dict(tuple(row) for row in stack.query("select coalesce(reason, engine) as why, count(*) from page join summary using "
                                                        "(content_hash, recipe_hash) group by 1"))
        assert counts == {"llm": len(llm.requests), "BUDGET_EXCEEDED": 13 - len(llm.requests)}
        used = stack.query("select sum(tokens_in + tokens_out) as tokens, sum(price) as price, sum(round((tokens_in - tokens_cached) * 2 + "
                           "tokens_cached * 0.5 + tokens_out * 10)) as due, sum(tokens_cached) as cached from llm_call")[0]
        assert tuple(spent(stack, "crawl")) == tuple(spent(stack, "day")) == tuple(used)[:2]
        assert used.price == used.due
        assert used.tokens <= 4000 if "BUDGET_CRAWL_TOKENS" in budget else used.price <= 8000
        counted = "select {0}(tokens_in) as i, {0}(tokens_cached) as c, {0}(tokens_out) as o from {1}"
        assert stack.query(counted.format("max", "budget where scope like 'crawl %%'")) == stack.query(counted.format("sum", "llm_call"))
        # The fixed part comes first, so it was in the provider's cache from the second call on.
        assert used.cached == sum(len(request["system"].split()) for request in llm.requests[1:]) > 0
        cost = stack.query("select * from thousand_articles(2, 10, price_cached => 0.5)")[0]
        assert cost.texts == cost.calls == len(llm.requests) and abs(float(cost.price) - 1000 * float(used.price) / 1e6 / cost.texts) < 1e-3


def test_budget_of_a_day(make_stack):
    """`llm`: when it is used up articles are stored without, and the summary is owed."""
    with Server(site_of(6, 6)) as server, FakeLLM() as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, BUDGET_DAY_MONEY="0.004", SUMMARY_ENGINE="llm", **MODEL)
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        stack.start("summarizer", **BUDGET)
        ended = Crawl(stack, server.url(), 7, depth=1, limit=100).finish()
        asked = len(llm.requests)
        assert 0 < asked < 7
        assert collections.Counter(page[1:3] for page in ended.values()) == {("stored", "OK"): asked, ("stored", "BUDGET_EXCEEDED"): 7 - asked}
        assert stack.value("select count(*) from article") == 7 and stack.value("select count(*) from summary") == asked
        assert spent(stack, "day")[1] <= 4000


def test_a_call_that_never_came_back_counts_as_spent(make_stack):
    with Server(site_of(1, 1)) as server, FakeLLM(mode="hold") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        stack.start_all({"summarizer": 0})
        summarizer = stack.start("summarizer", **BUDGET)
        stack.seed(server.url("/0"), depth=0, limit=10)
        wait_until(lambda: llm.under_way == 1, 20, "the text is being bought")
        summarizer.kill9()
        lease_over(stack)
        tokens, price = spent(stack, "day")
        assert tokens > 500 and price > 1000
        llm.release()
        stack.start("summarizer", **BUDGET)
        stack.wait_completed()
        assert spent(stack, "day")[0] == tokens + stack.value("select tokens_in + tokens_out from llm_call where received_at is not null")


# Limits ---------------------------------------------------------------------------------------------------------------

def reserved(request):
    """Tokens: one for three bytes, 400 around the text, SUMMARY_MAX_TOKENS."""
    return len(article_of(request["user"]).encode()) // 3 + 400 + 100


@pytest.mark.parametrize("limit", [{"SUMMARY_RPM": "240"}, {"SUMMARY_TPM": "270000"}], ids=["requests", "tokens"])
def test_so_many_a_minute_are_shared(make_stack, limit):
    """Two summarizers together: about four a second, and what one idle second allows."""
    with Server(site_of(16, 16)) as server, FakeLLM() as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, SUMMARY_MAX_TOKENS="100", **limit, **MODEL)
        stack.start_all({"summarizer": 2})
        Crawl(stack, server.url(), 17, depth=1, limit=100).finish()
        # When each was allowed: on its way a request may meet the one before.
        times = [row.at for row in stack.query("select extract(epoch from intended_at)::float8 as at from llm_call order by 1")]
        assert len(times) == len(llm.requests) == 17
        second = 4 if "SUMMARY_RPM" in limit else 270000 / 60 / min(reserved(request) for request in llm.requests[1:])
        assert second < 6
        for first in range(17):
            for last in range(first, 17):
                assert last - first + 1 <= second * (times[last] - times[first]) + second + 2, times
        assert stack.value("select count(*) from page where reason is not null") == 0


def test_who_waits_for_his_turn_can_be_stopped(make_stack):
    with Server(site_of(4, 4)) as server, FakeLLM() as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, SUMMARY_RPM="1", **MODEL | {"HOLD_MAX": "60s", "LEASE": "90s"})
        summarizer = stack.start_all()["summarizer"][0]
        crawl = Crawl(stack, server.url(), 5, depth=1, limit=100)
        wait_until(lambda: len(llm.requests) >= 1 and stack.value("select count(*) from ticket") == 0 and
                   stack.value("select count(*) from page where state = 'scheduled'") == 4, 20, "four wait")
        assert summarizer.terminate(10) == 0
        stack.start("summarizer", SUMMARY_RPM="0")
        stack.query("update model_rate set request_at = now()")
        crawl.finish()
        assert max(bought(llm).values()) == 1


def test_retry_after_is_obeyed(make_stack):
    with Server(site_of(3, 3)) as server, FakeLLM(retry_after=2) as llm:
        llm.script(["429"])
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL | {"SUMMARY_TIMEOUT": "1s"})  # too short to wait with the text in hand
        stack.start_all({"summarizer": 2}, PREFETCH="1")
        Crawl(stack, server.url(), 4, depth=1, limit=100).finish()
        assert llm.requests[1]["at"] - llm.requests[0]["at"] >= 2
        assert stack.value("select count(*) from page where reason is not null") == 0


# Outages --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["401", "402", "403", "404", "408", "429", "500", "503", "reset", "hang"])
def test_an_outage_is_a_pause(make_stack, mode):
    """Everything is handed back, nobody gets less than was asked for, and it is said once."""
    with Server(site_of(12, 12)) as server, FakeLLM(mode=mode) as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL | ({"SUMMARY_TIMEOUT": "3s"} if mode == "hang" else {}))
        summarizer = stack.start_all()["summarizer"][0]
        crawl = Crawl(stack, server.url(), 13, depth=1, limit=100)
        probes = "select count(*) from llm_call where content_hash is null"
        wait_until(lambda: stack.value(probes) >= 2, 30, "two probes")
        assert len(summarizer.log_lines(level="error")) == 1
        assert len(llm.requests) < 40
        llm.mode = "ok"
        ended = crawl.finish()
        assert {state for _, state, *_ in ended.values()} == {"stored"}
        assert stack.value("select count(*) from page where reason is not null") == 0
        assert len(summarizer.log_lines(level="error")) == 1


def test_refusals_in_a_row_are_an_outage(make_stack):
    """Five different texts that the model gives nothing for: it is not the texts."""
    with Server(site_of(20, 20)) as server, FakeLLM(mode="400") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        stack.start_all(PREFETCH="1")
        crawl = Crawl(stack, server.url(), 21, depth=1, limit=100)
        wait_until(lambda: stack.value("select count(*) from llm_call where content_hash is null") >= 2, 30, "two probes")
        llm.mode = "ok"
        crawl.finish()
        assert stack.value("select count(*) from page where reason = 'MODEL_REFUSED'") == 5
        assert stack.value("select count(*) from summary where engine = 'llm' and text is not null") == 16


def test_a_stop_waits_for_what_is_being_paid(make_stack):
    """Its delivery was handed back in an outage; the answer is stored all the same, and bought once."""
    with Server(site_of(2, 2)) as server, FakeLLM(mode="401") as llm:
        llm.script(["hold"])
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        summarizer = stack.start_all()["summarizer"][0]
        stack.seed(server.url("/0"), depth=0, limit=10)
        wait_until(lambda: llm.under_way == 1, 20, "a text is being bought")
        stack.seed(server.url("/1"), depth=0, limit=10)
        wait_until(lambda: summarizer.log_lines(level="error"), 20, "an outage")
        wait_until(lambda: stack.depths()["article"] == 2, 20, "both are handed back")
        summarizer.send(signal.SIGTERM)
        wait_until(lambda: "stopping" in summarizer.log_text(), 20, "it stops")
        llm.release()
        assert summarizer.wait(20) == 0
        assert stack.value("select count(*) from summary where text is not null") == 1
        llm.mode = "ok"
        stack.start("summarizer")
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == 2, 20, "both crawls are complete")
        assert bought(llm)[article_of(llm.requests[0]["user"])] == 1


def test_the_database_away(make_stack):
    """Nothing is bought while there are no books; answers that came meanwhile are stored after."""
    with Server(site_of(3, 3)) as server, FakeLLM(mode="hold") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL)
        stack.start_all()
        crawl = Crawl(stack, server.url(), 4, depth=1, limit=10)
        wait_until(lambda: llm.under_way == 1, 20, "a text is being bought")
        stack.database.kill9()
        llm.release()
        wait_until(lambda: llm.under_way == 0, 20, "it is bought")
        stack.database.start()
        stack.database.ready()
        crawl.finish()
        assert max(bought(llm).values()) == 1 and len(llm.requests) == 4


# Once more ------------------------------------------------------------------------------------------------------------

ENGINES = "select s.engine, count(*) as n from page p join summary s using (content_hash, recipe_hash) where p.state = 'stored' group by 1"


def test_extractive_summaries_are_replaced(make_stack):
    """Pages keep their state, old summaries are kept beside the new, each text is bought once."""
    with Server(site_of(12, 6)) as server, FakeLLM() as llm:
        stack = make_stack(**MODEL)
        programs = stack.start_all()
        Crawl(stack, server.url(), 13, depth=1, limit=100).finish()
        before = stack.query("select id, state, ended_at, release from page order by id")
        estimate = stack.query("select * from resummarise_estimate(engine => 'extractive', price_input => 1000000)")[0]
        assert estimate.texts == 7 and estimate.tokens_in > 2000 and estimate.price == estimate.tokens_in
        cut = stack.value("select tokens_in from resummarise_estimate(engine => 'extractive', input_max => 400)")
        assert 7 * 250 < cut <= 7 * 350
        for choice, texts in (("crawl => 1", 0), ("crawl => (select max(id) from crawl)", 7), ("age => '1 day'", 0), ("age => '0 s'", 7),
                              ("code => 'MODEL_REFUSED'", 0), ("engine => 'llm'", 0)):
            assert stack.value(f"select texts from resummarise_estimate({choice})") == texts, choice
        assert stack.value("select resummarise(engine => 'extractive')") == 7
        assert stack.value("select resummarise(engine => 'extractive')") == 0
        programs["summarizer"][0].terminate()
        stack.start("summarizer", OPENAI_BASE_URL=llm.url)
        stack.query("select resummarise(engine => 'extractive')")  # the other one may have answered for some
        wait_until(lambda: [tuple(row) for row in stack.query(ENGINES)] == [("llm", 13)], 20, "all by the model")
        wait_until(lambda: stack.value("select count(*) from resummary") == 0, 10, "nothing is queued")
        assert len(llm.requests) == 7
        assert stack.value("select count(*) from summary") == 14
        assert stack.query("select id, state, ended_at, release from page order by id") == before
        assert not stack.books()


def test_owed_summaries_are_bought(make_stack):
    with Server(site_of(4, 4)) as server, FakeLLM() as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, SUMMARY_ENGINE="llm", **MODEL)
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        poor = stack.start("summarizer", BUDGET_DAY_TOKENS="1")
        Crawl(stack, server.url(), 5, depth=1, limit=100).finish()
        assert stack.value("select count(*) from page where code = 'BUDGET_EXCEEDED'") == 5 and not llm.requests
        poor.terminate()
        stack.start("summarizer")
        assert stack.value("select resummarise(code => 'BUDGET_EXCEEDED')") == 5
        paid = "select count(*) from page where code = 'OK' and reason is null"
        wait_until(lambda: stack.value(paid) == 5, 20, "nothing is owed")
        assert [tuple(row) for row in stack.query(ENGINES)] == [("llm", 5)]
        assert not stack.books()
