"""Crawls run again on sites that change between the runs: what is asked, what is kept, what is reported."""

import collections
import hashlib
import json

from support.crawl import QUICK, chance, kill
from support.fake_llm import FakeLLM
from support.site import Reply, Server, page, redirect
from support.stack import PROGRAMS, wait_until

COUNTS = ("added", "changed", "unchanged", "gone", "failed")


class Page:
    """A page of a Living site. text: which made-up article. validators: headers; one that comes back is answered with 304."""

    def __init__(self, text, links=(), etag=None, modified=None, head="", status=200, after=0.0):
        self.text, self.links, self.etag, self.modified = text, links, etag, modified
        self.head, self.status, self.after = head, status, after

    def reply(self, request):
        names = {"ETag": self.etag, "Last-Modified": self.modified}
        headers = {name: value for name, value in names.items() if value}
        sent = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
        if self.status == 200 and ((self.etag and sent[0] == self.etag) or (not self.etag and self.modified and sent[1] == self.modified)):
            return Reply(status=304, type=None, headers=headers)
        if self.status != 200:
            return Reply("no", status=self.status)
        return Reply(page(self.text, self.links, head=self.head), headers=headers, after=self.after)


class Living:
    """{path: Page or Reply}, to be changed between runs; keeps what was asked with a condition."""

    def __init__(self, pages):
        self.pages = pages
        self.conditional = collections.Counter()

    def __call__(self, request):
        found = self.pages.get(request.path)
        if request.headers.keys() & {"if-none-match", "if-modified-since"}:
            self.conditional[request.path] += 1
        return found.reply(request) if isinstance(found, Page) else found


def begin(stack, server, number, **wish):
    """Asks for the crawl and waits for its run of that number to begin."""
    stack.seed(server.url("/"), **wish)
    wait_until(lambda: (row := stack.crawl()) is not None and row.run == number, 30, lambda: f"run {number}: {stack.crawl()}")


def run(stack, server, number, **wish):
    """Asks for the crawl and waits for the end of its run of that number. Returns its row."""
    begin(stack, server, number, **wish)

    def ended():
        assert not stack.books(), stack.books()[:10]
        row = stack.crawl()
        return row if row is not None and row.run == number and row.state != "running" else None
    return wait_until(ended, 60, lambda: f"run {number} ended: {stack.crawl()}")


def counts(row):
    return {name: getattr(row, name) for name in COUNTS if getattr(row, name)}


def news(stack, server):
    """{path: (state, code, news)}."""
    rows = stack.query("select url, state::text, code, news::text from page order by url")
    return {row.url.removeprefix(server.url("")): tuple(row[1:]) for row in rows}


def summary(stack, url):
    return stack.query("select a.text, s.text as summary, p.gone_at, p.title from page p join article a using (content_hash) "
                       "join summary s using (content_hash, recipe_hash) where p.url = %s", url)[0]


def test_report(make_stack):
    """Added, changed, unchanged by 304 and by equal text, gone, failing: each page and the crawl say so, texts of before stay."""
    site = Living({
        "/": Page("Home", ["/etag", "/date", "/bytes", "/changed", "/gone404", "/gone410", "/empty", "/fails", "/moved", "/never"]),
        "/etag": Page("By tag", ["/below"], etag='"one"'),
        "/date": Page("By date", modified="Sat, 01 Nov 2025 10:00:00 GMT"),
        "/below": Page("Below", etag='W/"two"'),
        "/bytes": Page("Other bytes", etag='"three"'),
        "/changed": Page("First text", ["/old"], etag='"four"'),
        "/old": Page("Old"),
        "/gone404": Page("Gone 404", etag='"five"'), "/gone410": Page("Gone 410"), "/empty": Page("Empty later", etag='"six"'),
        "/fails": Page("Fails", etag='"seven"'),
        "/moved": Page("Moves"),
    })
    stack = make_stack(ATTEMPTS="2", RETRY_BACKOFF="50ms")
    programs = stack.start_all()
    with Server(site) as server, FakeLLM(mode="ok") as llm:
        programs["summarizer"][0].terminate()
        stack.start("summarizer", OPENAI_BASE_URL=llm.url, SUMMARY_MODEL="fake")
        wish = {"depth": 5, "limit": 100}
        assert counts(run(stack, server, 1, **wish)) == {"added": 12, "failed": 1}
        asked, before = len(llm.requests), {path: summary(stack, server.url(path)) for path in ("/etag", "/gone404", "/fails")}
        assert asked == 12 and not site.conditional

        site.pages.update({
            "/": Page("Home", ["/etag", "/date", "/new"]),
            "/new": Page("New"),
            "/bytes": Page("Other bytes", ["/more"], etag='"3"', head="<!-- another day -->"),
            "/more": Page("More"),
            "/changed": Page("Second text", etag='"4"'),
            "/gone404": None, "/gone410": Page("", status=410), "/empty": Reply("<!doctype html><title>Soon</title>"),
            "/fails": Page("", status=500), "/moved": redirect("/new"),
        })
        server.log.clear()
        assert counts(run(stack, server, 2, **wish)) == {"added": 2, "changed": 1, "unchanged": 6, "gone": 4, "failed": 2}
        assert news(stack, server) == {
            "/": ("stored", "OK", "unchanged"), "/etag": ("skipped", "UNCHANGED", "unchanged"),
            "/date": ("skipped", "UNCHANGED", "unchanged"), "/below": ("skipped", "UNCHANGED", "unchanged"),
            "/bytes": ("stored", "OK", "unchanged"), "/changed": ("stored", "OK", "changed"), "/old": ("stored", "OK", "unchanged"),
            "/gone404": ("error", "HTTP_4XX", "gone"), "/gone410": ("error", "HTTP_4XX", "gone"),
            "/empty": ("skipped", "NO_ARTICLE", "gone"), "/moved": ("skipped", "REDIRECTED", "gone"),
            "/fails": ("error", "HTTP_5XX", "failed"), "/never": ("error", "HTTP_4XX", "failed"),
            "/new": ("stored", "OK", "added"), "/more": ("stored", "OK", "added"),
        }
        assert {hit.path for hit in server.hits() if hit.status == 304} == {"/etag", "/date", "/below"}
        assert set(site.conditional) == {"/etag", "/date", "/below", "/bytes", "/changed", "/gone404", "/empty", "/fails"}
        assert len(llm.requests) == asked + 3, "only what is new or changed was summarised"
        for path, row in before.items():
            after = summary(stack, server.url(path))
            assert (after.text, after.summary, after.title) == (row.text, row.summary, row.title), path
            assert (after.gone_at is not None) == (path == "/gone404")
        assert stack.crawl().kept == 9, "stored and unchanged ones count for the limit"
        closing = stack.log_lines("writer", event="completed")[-1]
        assert {name: int(closing[name]) for name in COUNTS} == {"added": 2, "changed": 1, "unchanged": 6, "gone": 4, "failed": 2}

        # Mended: what is back is asked for without a condition if it was gone, and is new then.
        site.pages.update({"/fails": Page("Fails", etag='"seven"'), "/gone404": Page("Gone 404", etag='"five"')})
        site.conditional.clear()
        assert counts(run(stack, server, 3, **wish)) == {"added": 1, "unchanged": 10, "failed": 1}
        after = news(stack, server)
        assert after["/gone404"] == ("stored", "OK", "added") and after["/fails"] == ("skipped", "UNCHANGED", "unchanged")
        assert after["/gone410"] == ("error", "HTTP_4XX", None), "still gone is no news"
        assert "/gone404" not in site.conditional
        assert len(llm.requests) == asked + 3, "its text was bought before"
        assert summary(stack, server.url("/gone404")).gone_at is None


def test_links_of_unchanged_pages(stack):
    """A page that is as it was still leads where it led: on a shorter way, and to a page that was not kept."""
    site = Living({"/": Page("Home", ["/a"]), "/a": Page("A", ["/b"], etag='"a"'), "/b": Page("B", ["/c"], etag='"b"'),
                   "/c": Page("C", ["/d"], etag='"c"'), "/d": Page("D", ["/e"]), "/e": Page("E")})
    wish = {"depth": 3, "limit": 100}
    programs = stack.start_all()
    with Server(site) as server:
        assert counts(run(stack, server, 1, **wish)) == {"added": 4}
        wait_until(lambda: stack.value("select bool_and(lasting) and count(*) = 3 from page_links"), 30,
                   "links of pages with a validator stay")
        # D, at depth 4, was refused. In the second run C is found at depth 2.
        site.pages["/"] = Page("Home", ["/a", "/b"])
        assert counts(run(stack, server, 2, **wish)) == {"added": 1, "unchanged": 4}
        assert news(stack, server)["/c"] == ("skipped", "UNCHANGED", "unchanged")
        assert dict(stack.query("select url, depth from page")) == {
            server.url(path): depth for path, depth in {"/": 0, "/a": 1, "/b": 1, "/c": 2, "/d": 3}.items()}
        # A page that is not known any more is found again, although what leads there is as it was.
        programs["writer"][0].terminate()
        stack.query("with gone as (delete from page where url = %s returning *) update crawl set admitted = admitted - 1, "
                    "stored = stored - 1, added = added - 1, places = places - 1 where id = (select crawl_id from gone)",
                    server.url("/d"))
        assert not stack.books()
        stack.start("writer")
        assert counts(run(stack, server, 3, **wish)) == {"added": 1, "unchanged": 4}
        # A summary that was thrown away is made again, whatever the server says.
        stack.query("delete from summary where content_hash in (select content_hash from page where url = any(%s))",
                    [server.url("/a"), server.url("/")])
        stack.seed(server.url("/"), **wish)
        wait_until(lambda: stack.crawl().run == 4 and stack.crawl().state == "completed", 60, lambda: str(stack.crawl()))
        assert not stack.books()
        assert news(stack, server)["/a"] == ("stored", "OK", "unchanged") and news(stack, server)["/"] == ("stored", "OK", "unchanged")


def test_killed_between(make_stack, long):
    """Programs die while a crawl runs again; the report is exact all the same."""
    rng, pages = chance(), 400 if long else 120
    kinds = ("same", "bytes", "changed", "gone", "fails")

    def living(second):
        made = {"/": Page("Home", [f"/{n}" for n in range(pages + 10 * second)], etag=f'"{second}"')}
        for n in range(pages + 10 * second):
            kind = kinds[n % len(kinds)] if second and n < pages else "first"
            made[f"/{n}"] = {
                "gone": Page("", status=(404, 410)[n % 2]), "fails": Page("", status=500),
                "changed": Page(f"Changed {n}", etag='"two"'), "bytes": Page(f"Text {n}", etag='"two"', head="<!-- two -->"),
            }.get(kind) or Page(f"Text {n}", [f"/{(n + 1) % pages}"], etag='"one"')
        return made
    site = Living(living(0))
    stack = make_stack(**QUICK, HOST_BACKOFF_MAX="20ms")
    stack.start_all()
    each = pages // len(kinds)
    with Server(site) as server:
        wish = {"depth": 3, "limit": 10_000}
        assert counts(run(stack, server, 1, **wish)) == {"added": pages + 1}
        for number in (2, 3):
            site.pages = living(1)
            begin(stack, server, number, **wish)
            for share in (0.1, 0.3, 0.5, 0.7) if number == 2 else (0.4,):
                wait_until(lambda s=share: stack.value("select count(*) from page where ended_at > (select started_at from crawl "
                                                       "where not is_inbox)") >= s * pages, 60, lambda: str(stack.crawl()))
                kill(stack, rng.choice(stack.running(rng.choice(PROGRAMS))))
            wait_until(lambda: not stack.books() and stack.crawl().state == "completed", 90, lambda: str(stack.crawl()))
            found = counts(stack.crawl())
            assert found == ({"added": 10, "changed": each, "unchanged": 2 * each + 1, "gone": each, "failed": each} if number == 2
                             else {"unchanged": 3 * each + 11, "failed": each}), found
        assert stack.value("select count(*) from page p where p.content_hash is not null and not exists (select from summary s "
                           "where s.content_hash = p.content_hash and s.recipe_hash = p.recipe_hash)") == 0


def ask(stack, function, *arguments):
    marks = ", ".join(["%s"] * len(arguments))
    return stack.value(f"select {function}({marks})", *arguments)


def retry(stack, number, code, retried):
    """crawl_retry, and the row of the crawl once it has ended again."""
    answer = ask(stack, "crawl_retry", number, code)
    assert (answer["retried"], answer["state"]) == (retried, "running") and not stack.books()
    row = stack.wait_completed(number)
    assert not stack.books()
    return row


def test_tried_again_in_a_later_run(make_stack):
    """crawl_retry takes back what was reported: the report is as if the page had been looked at once, the last time."""
    site = Living({"/": Page("Home", ["/same", "/gone", "/fails"]), "/same": Page("Same", etag='"1"'), "/gone": Page("Gone", etag='"2"'),
                   "/fails": Page("Fails", etag='"3"')})
    gone, fails = site.pages["/gone"], site.pages["/fails"]
    stack = make_stack(ATTEMPTS="1")
    stack.start_all({"writer": 2})
    with Server(site) as server:
        wish = {"depth": 1, "limit": 10}
        assert counts(row := run(stack, server, 1, **wish)) == {"added": 4}
        site.pages |= {"/gone": None, "/fails": Page("", status=500)}
        assert counts(run(stack, server, 2, **wish)) == {"unchanged": 2, "gone": 1, "failed": 1}
        assert counts(retry(stack, row.id, None, 2)) == {"unchanged": 2, "gone": 1, "failed": 1}
        site.pages |= {"/gone": gone, "/fails": fails}
        assert counts(retry(stack, row.id, "HTTP_5XX", 1)) == {"unchanged": 3, "gone": 1}
        assert stack.value("select count(*) from page where gone_at is not null") == 1
        assert counts(retry(stack, row.id, None, 1)) == {"unchanged": 4}
        assert stack.value("select count(*) from page where gone_at is not null") == 0
        # Gone since an earlier run: no news while it stays so, and new when it comes back.
        site.pages["/gone"] = None
        assert counts(run(stack, server, 3, **wish)) == {"unchanged": 3, "gone": 1}
        assert counts(run(stack, server, 4, **wish)) == {"unchanged": 3}
        assert counts(retry(stack, row.id, None, 1)) == {"unchanged": 3}
        site.pages["/gone"] = gone
        assert counts(retry(stack, row.id, None, 1)) == {"unchanged": 3, "added": 1}
        assert stack.crawl().run == 4


def test_a_host_that_is_given_up(make_stack):
    """What ends because its host is limiting for ever has failed, keeps its text, and is as it was when tried again."""
    paths = ["/1", "/2", "/3"]
    site = Living({"/": Page("Home", paths, etag='"0"')} | {path: Page(path, etag=f'"{path}"') for path in paths})
    alive = dict(site.pages)
    stack = make_stack(RETRY_BACKOFF="50ms", HOST_BACKOFF_MAX="200ms", HOST_STALL="1s")
    stack.start_all()
    with Server(site) as server:
        wish = {"depth": 1, "limit": 10}
        row = run(stack, server, 1, **wish)
        assert counts(row) == {"added": 4}
        site.pages = {path: Page("", status=429) for path in alive}
        assert counts(run(stack, server, 2, **wish)) == {"failed": 4}
        assert {code for _, code, _ in news(stack, server).values()} == {"RATE_LIMITED"}
        site.pages = alive
        assert counts(retry(stack, row.id, "RATE_LIMITED", 4)) == {"unchanged": 4}


def begin_on_paper(stack):
    """What the first statement of a new run does (writer/again.c), no page registered yet."""
    stack.query("update crawl set state = 'running', cancel_at = null, run = run + 1, started_at = clock_timestamp(), finished_at = null, "
                "begun = 0, kept = 0, again_after = '00000000-0000-0000-0000-000000000000' where not is_inbox")
    assert not stack.books()


def test_cancelled_while_it_registers(make_stack):
    """A run that is cancelled before it has registered all pages leaves the others as they were, and ends; the next run has them all."""
    site = Living({"/": Page("Home", ["/a", "/dead"]), "/a": Page("A", etag='"a"')})
    stack = make_stack()
    programs = stack.start_all()
    with Server(site) as server:
        wish = {"depth": 1, "limit": 10}
        first = run(stack, server, 1, **wish)
        assert counts(first) == {"added": 2, "failed": 1}
        programs["writer"][0].terminate()
        begin_on_paper(stack)
        assert ask(stack, "crawl_retry", first.id)["retried"] == 0, "that run will come to it"
        assert ask(stack, "crawl_cancel", first.id)["state"] == "cancelled"
        row = stack.crawl()
        assert (row.state, row.again_after, counts(row)) == ("cancelled", None, counts(first)) and row.finished_at and not stack.books()
        stack.start("writer")
        assert counts(retry(stack, first.id, None, 1)) == {"added": 2, "failed": 1}
        assert counts(run(stack, server, 3, **wish)) == {"unchanged": 2, "failed": 1}
        # A paused run registers its pages, stays paused, and goes on.
        programs["fetcher"][0].terminate()
        stack.seed(server.url("/"), **wish)
        wait_until(lambda: stack.crawl().run == 4 and stack.crawl().again_after is None, 30, "it has registered its pages")
        assert ask(stack, "crawl_pause", first.id)["state"] == "paused" and not stack.books()
        assert ask(stack, "crawl_cancel", first.id)["state"] == "cancelling"
        stack.start("fetcher")
        row = wait_until(lambda: (c := stack.crawl()).state == "cancelled" and c, 30, lambda: str(stack.crawl()))
        assert not row.open and not stack.books()
        assert counts(run(stack, server, 5, **wish)) == {"unchanged": 2, "failed": 1}


def redeliver(stack, body, **properties):
    """The message as the broker gives it out a second time. Nobody may consume from `seed`."""
    stack.publish("seed", body, **properties)
    with stack.broker.channel() as channel:
        method, _, taken = channel.basic_get(stack.prefix + "seed")
        assert taken == body
        channel.basic_nack(method.delivery_tag, requeue=True)


def test_a_redelivered_request(make_stack):
    """It begins a run unless it has begun one: no wish is lost, and none counts twice. Without an id it counts as a wish."""
    site = Living({"/": Page("Home")})
    stack = make_stack()
    writer = stack.start_all()["writer"][0]
    with Server(site) as server:
        wish = {"depth": 1, "limit": 10}
        run(stack, server, 1, **wish)
        body = json.dumps({"url": server.url("/"), **wish}).encode()

        def answers():
            return sum(len(stack.log_lines("writer", reason=f"OK: crawl {stack.crawl().id} {what}")) for what in ("runs again", "is known"))

        def redelivered(number, **properties):
            nonlocal writer
            writer.terminate()
            before = answers()
            redeliver(stack, body, **properties)
            writer = stack.start("writer")
            wait_until(lambda: answers() == before + 1, 30, "the request was read")
            row = wait_until(lambda: (c := stack.crawl()).state == "completed" and c, 30, lambda: str(stack.crawl()))
            assert row.run == number and not stack.books()
        redelivered(2, message_id="second")
        redelivered(2, message_id="second")
        redelivered(3, message_id="third")
        redelivered(3, message_id="second")
        for number in (4, 5):
            redelivered(number)
        for number in range(25):
            run(stack, server, 6 + number, **wish)
        assert stack.value("select cardinality(messages) from crawl where not is_inbox") == 20


def test_a_large_crawl_registers_in_batches(make_stack):
    """Thousands of known pages are registered again in several transactions; the crawl cannot end before the last."""
    more = 4_500
    site = Living({"/": Page("Home", ["/a"]), "/a": Page("A")})
    stack = make_stack(FETCH_PER_HOST="64")
    stack.start_all()
    with Server(site) as server:
        run(stack, server, 1, depth=2, limit=10_000)
        urls = [server.url(f"/old/{n}") for n in range(more)]
        hashes = [hashlib.sha256(url.encode()).hexdigest()[:32] for url in urls]
        assert stack.value("select replace(url_hash::text, '-', '') from page where url = %s", server.url("/a")) == \
            hashlib.sha256(server.url("/a").encode()).hexdigest()[:32]
        stack.query("with p as (insert into page (crawl_id, url_hash, url, host_id, state, code, depth, news, ended_at, event) "
                    "select c.id, h::uuid, u, "
                    "(select id from host limit 1), 'error', 'HTTP_4XX', 1, 'failed', now(), c.event + n from crawl c, "
                    "unnest(%s::text[], %s::text[]) with ordinality as x (h, u, n) where not c.is_inbox returning id) "
                    "update crawl set admitted = admitted + n, errors = errors + n, failed = failed + n, event = event + n "
                    "from (select count(*) as n from p) x where not is_inbox", hashes, urls)
        assert not stack.books()
        server.log.clear()
        row = run(stack, server, 2, depth=2, limit=10_000)
        assert counts(row) == {"unchanged": 2, "failed": more} and row.again_after is None
        asked = collections.Counter(hit.path for hit in server.hits())
        assert set(asked.values()) == {1} and len(asked) >= more + 2


def test_pages_that_are_the_same(stack):
    """rel=canonical and equal texts join pages in the view page_same; each URL stays; a wrong canonical joins nothing."""
    def canonical(path):
        return f'<link rel="canonical" href="{path}">'
    site = Living({
        "/": Page("Home", ["/print", "/p2", "/far", "/twin1", "/out", "/lost"], head=canonical("/")),
        "/print": Page("Main", head=canonical("/main")), "/main": Page("Main", head=canonical("/main")), "/p2": Page("Main", ["/twin2"]),
        "/far": Page("Far", head=canonical("/")),  # as on sites whose every page names the home page
        "/twin1": Page("Twin"), "/twin2": Page("Twin"),
        "/out": Page("Out", head=canonical("http://elsewhere.test/")), "/lost": Page("Lost", head=canonical("/nowhere")),
    })
    stack.start_all()
    with Server(site) as server:
        row = run(stack, server, 1, depth=3, limit=100)
        assert (row.stored, row.errors) == (9, 1)
        base = server.url("")
        same = {row.url.removeprefix(base): (row.main_url.removeprefix(base), row.why) for row in stack.query("select * from page_same")}
    assert same == {"/": ("/", "itself"), "/main": ("/main", "itself"), "/print": ("/main", "canonical"), "/p2": ("/main", "content"),
                    "/far": ("/far", "itself"), "/twin1": ("/twin1", "itself"), "/twin2": ("/twin1", "content"),
                    "/out": ("/out", "itself"), "/lost": ("/lost", "itself")}
    assert stack.value("select count(*) from article") == 6


def test_permanent_verdicts_are_remembered(make_stack):
    """What one crawl found to be so for good, another one does not ask again for REMEMBER_DAYS; passing faults it does, and seeds."""
    site = Living({"/": Page("Home", ["/dead", "/sick", "/image"]), "/sick": Page("", status=500),
                   "/image": Reply(b"GIF89a", type="image/gif")})
    stack = make_stack(ATTEMPTS="1")
    stack.start_all()

    def ended(crawls):
        return wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == crawls and stack.crawl(), 30,
                          lambda: str(stack.crawl()))
    with Server(site) as server:
        def asked():
            found = {hit.path for hit in server.hits()} - {"/robots.txt"}
            server.log.clear()
            return found
        everything = {"/", "/dead", "/sick", "/image"}
        stack.seed(server.url("/"), depth=1, limit=10)
        ended(1)
        assert asked() == everything
        stack.seed(server.url("/"), depth=1, limit=11)
        assert counts(ended(2)) == {"added": 1, "failed": 2}
        assert asked() == {"/", "/sick"}
        found = dict(stack.query("select code, detail from page where crawl_id = %s and release = 0", stack.crawl().id))
        assert found.keys() == {"HTTP_4XX", "UNSUPPORTED_TYPE"} and all("found so at" in detail for detail in found.values()), found
        # Whoever tries again wants to know.
        assert counts(retry(stack, stack.crawl().id, "HTTP_4XX", 1)) == {"added": 1, "failed": 2}
        assert asked() == {"/dead"}
        # Old enough; and what was only remembered is not remembered any longer for that.
        stack.query("update page set ended_at = ended_at - interval '25 hours' where release > 0")
        stack.seed(server.url("/"), depth=1, limit=12)
        ended(3)
        assert asked() == everything
        # What somebody names is asked for.
        stack.seed(server.url("/dead"))
        wait_until(lambda: stack.value("select p.code from page p join crawl c on c.id = p.crawl_id where c.is_inbox") == "HTTP_4XX", 30,
                   "the inbox has asked")
        assert asked() == {"/dead"}
        # The same crawl again looks at everything.
        stack.seed(server.url("/"), depth=1, limit=11)
        wait_until(lambda: stack.value("select run from crawl where max_pages = 11 and state = 'completed'") == 2, 30, "run again")
        assert asked() == everything
        assert not stack.books()
