"""Records that the writer keeps and sends again: those that wait for another page's summary, and stored texts once more. Whatever is lost
on the way is missed, nothing is fetched or bought for it again."""

import contextlib

import pytest

from support.fake_llm import FakeLLM
from support.site import Pages, Server, page
from support.stack import wait_until

# What is lost is missed after 6 s; that is all the writer asks of the time of a call.
MODEL = {"SUMMARY_MODEL": "fake", "SUMMARY_TIMEOUT": "1s", "SUMMARY_PAUSE": "500ms", "AMQP_HEARTBEAT": "1s", "HOLD_MAX": "1500ms", "LEASE": "6s"}
PATIENT = {"LEASE": "100s"}  # nothing is missed while a test runs
# No call and no lease is over because the machine was busy: lease_over() ends leases.
LASTING = {"SUMMARY_TIMEOUT": "1m", "SUMMARY_GRACE": "10m", "HOLD_MAX": "2m"}

WAITING = "select count(*) from awaited where sent_at is null"
SENT = "select count(*) from awaited where sent_at is not null"


def site_of(pages, texts):
    return Pages({f"/{n}": page(f"Text {n % texts}") for n in range(pages)})


@contextlib.contextmanager
def buyer_dies(make_stack, pages, queue=None, wish=None, **env):
    """A text on several pages, each of its own crawl. The one that bought it for /0 is dead; all wait for it, and nobody summarises."""
    with Server(site_of(pages, 1)) as server, FakeLLM(mode="hold") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, **MODEL | env)
        if queue:
            bounded(stack, queue)
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        first = stack.start("summarizer", PREFETCH="1", **LASTING)
        stack.seed(server.url("/0"), depth=0, limit=10, **wish or {})
        wait_until(lambda: llm.under_way == 1, 20, "the text is being bought")
        first.kill9()
        second = stack.start("summarizer", **LASTING)
        for number in range(1, pages):
            stack.seed(server.url(f"/{number}"), depth=0, limit=10, **wish or {})
        wait_until(lambda: stack.value("select count(*) from awaited") == pages, 20, lambda: f"all wait: {stack.depths()}")
        second.terminate()
        assert len(llm.requests) == 1
        llm.mode = "ok"
        yield stack, server, llm


def lease_over(stack):
    """What SUMMARY_TIMEOUT and SUMMARY_GRACE come to."""
    stack.query("update summary set lease_until = now() where lease_until is not null")


def bounded(stack, queue, length=1):
    """The queue takes no more than that."""
    with stack.broker.channel() as channel:
        channel.queue_declare(stack.prefix + queue, durable=True, arguments={
            "x-queue-type": "quorum", "x-max-length": length, "x-overflow": "reject-publish", "x-delivery-limit": 1000})


def ends(stack, crawls, deadline=30):
    wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == crawls, deadline,
               lambda: f"all crawls are complete: {stack.depths()} {stack.query('select * from awaited')}")
    assert not stack.books()
    wait_until(lambda: stack.value("select count(*) from awaited") == 0, 10, "nobody waits")


def fetches(server):
    return sorted(hit.path for hit in server.log if hit.path != "/robots.txt")


@pytest.mark.parametrize("queue, wish", [("article", {}), ("article.express", {"priority": -1})], ids=["wide", "express"])
def test_a_text_sent_again_and_lost(make_stack, queue, wish):
    """The lease is over, one of the pages goes into `article` again, and the queue is deleted: once more from the kept record."""
    with buyer_dies(make_stack, 3, wish=wish) as (stack, server, llm):
        lease_over(stack)
        wait_until(lambda: stack.depths()[queue] == 1, 20, "one page's record is sent")
        assert stack.value(SENT) == 1 and stack.value(WAITING) == 2
        stack.delete_queues("article", "article.express")
        stack.start("summarizer", **LASTING)
        ends(stack, 3)
        assert stack.value("select count(*) from page where state = 'stored' and reason is null and losses = 0") == 3
        assert len(llm.requests) == 2, "bought once by who died, and once more"
        assert fetches(server) == ["/0", "/1", "/2"]


def test_a_text_marked_as_sent_and_never_sent(make_stack):
    """The leader dies between the commit and the message."""
    with buyer_dies(make_stack, 3) as (stack, server, llm):
        lease_over(stack)
        wait_until(lambda: stack.depths()["article"] == 1, 20, "one page's record is sent")
        leader = stack.running("writer")[0]
        leader.kill9()
        stack.broker.purge(stack.prefix + "article")
        stack.restart(leader)
        stack.start("summarizer", **LASTING)
        ends(stack, 3)
        assert len(llm.requests) == 2
        assert fetches(server) == ["/0", "/1", "/2"]


def test_a_full_queue_is_not_waited_for(make_stack):
    """`article` takes nothing: the row waits again, each second, and the writer can be stopped."""
    with buyer_dies(make_stack, 3, queue="article", **PATIENT) as (stack, server, llm):
        stack.publish("article", b"{}", b"{}")
        lease_over(stack)
        wait_until(lambda: stack.value("select max(release) from page") >= 4, 20, lambda: f"tried again and again: {stack.depths()}")
        assert stack.running("writer")[0].terminate(10) == 0
        stack.start("writer")
        stack.start("summarizer", **LASTING)
        ends(stack, 3)
        assert len(llm.requests) == 2
        assert fetches(server) == ["/0", "/1", "/2"]


def test_the_model_gave_nothing(make_stack):
    """All who wait are told at once, and the model is not asked again."""
    with buyer_dies(make_stack, 4, **PATIENT) as (stack, _server, llm):
        stack.query("update summary set failure = 'MODEL_REFUSED', detail = 'so it is', lease_until = null where text is null")
        stack.start("summarizer", **LASTING)
        ends(stack, 4)
        assert len(llm.requests) == 1
        assert [tuple(row) for row in stack.query("select distinct state::text, reason, detail from page")] == [
            ("stored", "MODEL_REFUSED", "so it is")]


def test_nothing_is_bought_for_cancelled_crawls_that_wait(make_stack):
    """The one that buys dies, meanwhile all their crawls are cancelled."""
    with buyer_dies(make_stack, 3, **PATIENT) as (stack, _server, llm):
        stack.query("update crawl set cancel_at = now() where not is_inbox")
        lease_over(stack)
        stack.start("summarizer", **LASTING)
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'cancelled'") == 3, 30, "all crawls are cancelled")
        assert len(llm.requests) == 1
        assert [tuple(row) for row in stack.query("select distinct state::text, reason from page")] == [("stored", "CANCELLED")]
        assert not stack.books()


# Stored texts once more -----------------------------------------------------------------------------------------------

MODELS = "select count(*) from page join summary s using (content_hash, recipe_hash) where s.engine = 'llm'"
QUEUED = "select count(*) from resummary"


@contextlib.contextmanager
def extracted(make_stack, pages, texts, more=0, queue=None, **env):
    """So many stored pages, each of its own crawl, without a model; nobody summarises any more. more: further pages of the site."""
    with Server(site_of(pages + more, texts)) as server, FakeLLM() as llm:
        stack = make_stack(**MODEL | env)
        if queue:
            bounded(stack, queue)
        summarizer = stack.start_all()["summarizer"][0]
        for number in range(pages):
            stack.seed(server.url(f"/{number}"), depth=0, limit=10)
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == pages, 30, "all are stored")
        summarizer.terminate()
        yield stack, server, llm


def replaced(stack, llm, pages, texts, deadline=30):
    wait_until(lambda: stack.value(MODELS) == pages and stack.value(QUEUED) == 0, deadline,
               lambda: f"all by the model: {stack.query('select * from resummary')} {stack.depths()}")
    assert len(llm.requests) == texts
    assert not stack.books()


def test_a_text_to_be_summarised_again_and_lost(make_stack):
    """All are in `article`, and the queue is deleted."""
    with extracted(make_stack, 6, 3) as (stack, server, llm):
        assert stack.value("select resummarise()") == 3
        wait_until(lambda: stack.depths()["article"] == 3, 20, "all are sent")
        assert stack.value("select count(*) from resummary where sent_at is null") == 0
        stack.delete_queues("article")
        stack.start("summarizer", **LASTING, OPENAI_BASE_URL=llm.url)
        replaced(stack, llm, 6, 3)
        assert len(fetches(server)) == 6


def test_texts_to_be_summarised_again_wait_for_room(make_stack):
    """`article` is full: what it does not take waits, no writer waits for it."""
    with extracted(make_stack, 6, 6, queue="article", **PATIENT) as (stack, _server, llm):
        stack.publish("article", b"{}", b"{}")
        assert stack.value("select resummarise()") == 6
        wait_until(lambda: stack.value("select count(*) from resummary where due_at > asked_at and sent_at is null") > 0, 20, "some do not fit")
        assert stack.running("writer")[0].terminate(10) == 0
        stack.start("writer")
        stack.start("summarizer", **LASTING, OPENAI_BASE_URL=llm.url)
        replaced(stack, llm, 6, 6, 60)


def test_a_text_that_somebody_else_buys(make_stack):
    """It is asked for again soon, and then the answer is there."""
    with extracted(make_stack, 1, 1, more=1, **PATIENT) as (stack, server, llm):
        llm.mode = "hold"
        slow = {"OPENAI_BASE_URL": llm.url, **LASTING}
        stack.start("summarizer", PREFETCH="1", **slow)
        stack.seed(server.url("/1"), depth=0, limit=10)
        wait_until(lambda: llm.under_way == 1, 20, "the text is being bought")
        stack.start("summarizer", **slow)
        assert stack.value("select resummarise(engine => 'extractive')") == 1
        wait_until(lambda: stack.value("select count(*) from resummary where sent_at is null and due_at > asked_at") == 1, 20, "it waits")
        llm.release()
        replaced(stack, llm, 2, 1)


def test_a_budget_that_is_used_up_is_waited_for(make_stack):
    """Minutes; and what a person asks for is bought though its crawl was cancelled since."""
    with extracted(make_stack, 2, 2, **PATIENT) as (stack, _server, llm):
        poor = stack.start("summarizer", **LASTING, OPENAI_BASE_URL=llm.url, BUDGET_DAY_TOKENS="1")
        assert stack.value("select resummarise()") == 2
        later = "select count(*) from resummary where sent_at is null and due_at > now() + interval '5 minutes'"
        wait_until(lambda: stack.value(later) == 2, 20, "both wait")
        assert not llm.requests and stack.value("select count(*) from page where reason is not null") == 0
        poor.terminate()
        stack.query("update crawl set cancel_at = now(), state = 'cancelled' where not is_inbox")
        stack.query("update resummary set due_at = now()")
        stack.start("summarizer", **LASTING, OPENAI_BASE_URL=llm.url)
        replaced(stack, llm, 2, 2)


# Long texts -----------------------------------------------------------------------------------------------------------

def test_a_long_text_is_not_cut_silently(make_stack):
    """The model is told, and so is whoever reads the row: of who bought, of who found it stored, and of who had it summarised again."""
    with extracted(make_stack, 1, 1, more=2, **PATIENT) as (stack, server, llm):
        stack.start("summarizer", **LASTING, OPENAI_BASE_URL=llm.url, SUMMARY_INPUT_MAX="200")
        for path in ("/1", "/2"):
            stack.seed(server.url(path), depth=0, limit=10)
            assert stack.wait_final(server.url(path)).state == "stored"
        assert stack.value("select resummarise(engine => 'extractive')") == 1
        replaced(stack, llm, 3, 1)
        assert "It is longer than what is shown" in llm.requests[0]["user"]
        details = stack.query("select distinct detail from page union all select detail from summary where engine = 'llm'")
        assert len(details) == 2 and details[0][0] == details[1][0] and details[0][0].startswith("the model was given the first "), details
