"""Robots directives of pages, <meta> and X-Robots-Tag: obeyed, and left out of account by crawls that ask for that."""

import contextlib
import os

import psycopg2
import pytest

from support.site import Pages, Reply, Server, page
from support.stack import Stack, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def meta(content, name="robots"):
    return f'<meta name="{name}" content="{content}">'


def tagged(body, *values):
    return Reply(body, headers=[("X-Robots-Tag", value) for value in values])


# path: (what is said, is it noindex, is it nofollow). Each links to its own page below.
SAYS = {
    "/plain": ({}, False, False),
    "/meta-noindex": ({"head": meta("NOINDEX")}, True, False),
    "/meta-nofollow": ({"head": meta("nofollow, noarchive")}, False, True),
    "/meta-none": ({"head": meta("none")}, True, True),
    "/meta-ours": ({"head": meta("all") + meta("noindex", "Gistmill")}, True, False),
    "/meta-ours-nofollow": ({"head": meta("nofollow", "gistmill")}, False, True),
    "/meta-others": ({"head": meta("none", "googlebot")}, False, False),
    "/tag-noindex": ({"tags": ["noindex"]}, True, False),
    "/tag-nofollow": ({"tags": ["max-snippet: 20, nofollow"]}, False, True),
    "/tag-ours": ({"tags": ["gistmill: noindex"]}, True, False),
    "/tag-others": ({"tags": ["googlebot: noindex, nofollow"]}, False, False),
    "/tag-others-then-all": ({"tags": ["googlebot: nofollow", "noindex"]}, True, False),
    "/tag-expired": ({"tags": ["unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT"]}, True, False),
    "/tag-expires": ({"tags": ["unavailable_after: 25 Jun 2999 15:00:00 GMT"]}, False, False),
    "/both": ({"head": meta("nofollow"), "tags": ["noindex"]}, True, True),
    "/redirected": ({"head": meta("none")}, True, True),
}
FEED = "<rss><channel><item><link>{}</link></item></channel></rss>"


def made():
    pages = {"/": page("Root", links=[*SAYS, "/to", "/feed", "/text"]), "/to": Reply(status=301, headers={"Location": "/redirected"}),
             "/feed": Reply(FEED.format("/feed/below"), type="application/rss+xml", headers={"X-Robots-Tag": "nofollow"}),
             "/feed/below": page("/feed/below"),
             "/text": Reply("A line of text that is an article by itself.", type="text/plain", headers={"X-Robots-Tag": "none"})}
    for path, (says, _, _) in SAYS.items():
        pages[path] = tagged(page(path, links=[path + "/below"], words=92, head=says.get("head", "")), *says.get("tags", ()))
        pages[path + "/below"] = page(path + "/below", words=92)
    return pages


def expected(noindex, nofollow):
    """{path: (state, code)} when these directives are obeyed."""
    stored, unwanted = ("stored", "OK"), ("skipped", "NOINDEX")
    found = {"/": stored, "/to": ("skipped", "REDIRECTED"), "/feed": ("skipped", "NO_ARTICLE"), "/text": unwanted if noindex else stored}
    if not nofollow:
        found["/feed/below"] = stored
    for path, (_, says_noindex, says_nofollow) in SAYS.items():
        found[path] = unwanted if noindex and says_noindex else stored
        if not (nofollow and says_nofollow):
            found[path + "/below"] = stored
    return found


@pytest.fixture(scope="module")
def line(migrated, bin_dir, run_dir, numbers):
    name = f"t{next(numbers)}"
    stack = Stack(migrated, bin_dir, run_dir.subdir(name), name)
    with contextlib.closing(stack):
        stack.start_all()
        yield stack
        assert set(stack.stop_all().values()) == {0}


@pytest.mark.parametrize("wish", [{}, {"ignoreNoindex": True}, {"ignoreNofollow": True},
                                  {"ignoreNoindex": True, "ignoreNofollow": True},
                                  {"ignoreNoindex": False, "ignoreNofollow": False, "limit": 999}], ids=str)
def test_directives(request, line, wish):
    request.node.gistmill_logs = [line.logs]
    with Server(Pages(made())) as site:
        line.seed(site.url("/"), depth=2, **wish)
        number = wait_until(lambda: line.value("select id from crawl where seed = %s", site.url("/")), 20, "a crawl")
        row = line.wait_completed(number)
        assert (row.ignore_noindex, row.ignore_nofollow) == (wish.get("ignoreNoindex", False), wish.get("ignoreNofollow", False))
        found = {url.removeprefix(site.url("")): result[1:3] for url, result in line.pages(number).items()}
        assert found == expected(not row.ignore_noindex, not row.ignore_nofollow)
        asked = {hit.path for hit in site.log} - {"/robots.txt"}
        assert asked == set(found)  # a link that is not followed is not asked for
    assert line.value("select count(*) from page where crawl_id = %s and code = 'NOINDEX' and content_hash is not null", number) == 0
    assert line.books() == []


def test_the_wish_belongs_to_the_crawl(line):
    """The same site with and without it, at the same time: two crawls; the same again: none."""
    with Server(Pages({"/": page("Twice", head=meta("noindex"))})) as site:
        for wish in ({}, {"ignoreNoindex": True}, {"ignoreNoindex": False}):
            line.seed(site.url("/"), depth=0, limit=7, **wish)

        def states():
            return sorted(line.query("select p.state::text, c.ignore_noindex from page p join crawl c on c.id = p.crawl_id "
                                     "where c.seed = %s and c.state = 'completed'", site.url("/")))
        wait_until(lambda: states() == [("skipped", False), ("stored", True)], 20, lambda: f"two crawls: {states()}")


def test_a_name_of_our_own(make_stack):
    """USER_AGENT_TOKEN is our name in pages as it is in robots.txt."""
    stack = make_stack(USER_AGENT_TOKEN="acme")
    stack.start_all()
    with Server(Pages({"/": page("Root", links=["/old", "/new"]), "/old": page("Old", head=meta("noindex", "gistmill")),
                       "/new": tagged(page("New"), "ACME: noindex")})) as site:
        stack.seed(site.url("/"), depth=1)
        stack.wait_completed()
        found = {url.removeprefix(site.url("")): result[2] for url, result in stack.pages().items()}
        assert found == {"/": "OK", "/old": "OK", "/new": "NOINDEX"}


# The schema of before -------------------------------------------------------------------------------------------------------

def test_a_database_of_the_first_schema(request, migrated, bin_dir, run_dir, numbers):
    """Is brought up to date; its crawls obey, as they did."""
    name = f"t{next(numbers)}"
    with open(os.path.join(TOP, "sql", "001_init.sql"), encoding="utf-8") as f:
        first = f.read()
    migrated.database.create(f"{name}first")
    with contextlib.closing(psycopg2.connect(migrated.database.url(f"{name}first"))) as old, old, old.cursor() as cursor:
        cursor.execute(first)
        cursor.execute("create table schema_version (version integer primary key, name text not null, "
                       "applied_at timestamptz not null default now()); insert into schema_version values (1, '001_init')")
    stack = Stack(migrated, bin_dir, run_dir.subdir(name), name, template=f"{name}first")
    request.node.gistmill_logs = [stack.logs]
    with contextlib.closing(stack), Server(Pages({"/": page("Root", head=meta("noindex"))})) as site:
        stack.query("insert into crawl (request, seed, scope, max_depth, max_pages, state, finished_at) values "
                    "(md5(%s)::uuid, 'http://before.test/', 'host', 2, 1000, 'completed', now())", "before")
        stack.start_all()
        stack.seed(site.url("/"), depth=1)
        row = stack.wait_completed(wait_until(lambda: stack.value("select id from crawl where seed = %s", site.url("/")), 20, "a crawl"))
        assert (row.skipped, row.ignore_noindex) == (1, False)
        assert [tuple(r) for r in stack.query("select ignore_noindex, ignore_nofollow from crawl where seed = 'http://before.test/'")] \
            == [(False, False)]
        assert stack.value("select count(*) from schema_version") > 1
    migrated.database.drop(f"{name}first")
