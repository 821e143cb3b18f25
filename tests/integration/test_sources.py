"""Where pages come from besides seeds and links: sitemaps named in robots.txt, feeds that pages announce, the next part of a list."""

import gzip

import pytest

from support.crawl import QUICK, Crawl, chance, kill, outline, same
from support.site import Pages, Reply, Server, page, redirect
from support.stack import wait_until

XML = "application/xml"
STORED, LIST = ("stored", "OK"), ("skipped", "NO_ARTICLE")


def listing(links, following=None, head=""):
    """A page without an article."""
    head += f'<link rel="next" href="{following}">' if following else ""
    return f"<!doctype html><title>List</title>{head}<ul>" + "".join([f'<li><a href="{link}">{n}</a>' for n, link in enumerate(links)]) + "</ul>"


def urlset(urls):
    entries = "".join([f"<url><loc>{url}</loc><lastmod>2026-02-{n + 1:02}T10:00:00+01:00</lastmod></url>" for n, url in enumerate(urls)])
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def rss(urls):
    return '<rss version="2.0"><channel><title>Posts</title>' + "".join([f"<item><link>{url}</link></item>" for url in urls]) + "</channel></rss>"


def atom(urls):
    return '<feed xmlns="http://www.w3.org/2005/Atom">' + "".join([f'<entry><link href="{url}"/></entry>' for url in urls]) + "</feed>"


class Whole:
    """A site with everything, and what of it a crawl finds by which source, as {path: depth}."""

    def __init__(self):
        announced = ('<link rel="alternate" type="application/rss+xml" href="/posts.rss"><link rel="alternate" hreflang="de" href="/de">'
                     '<link rel="alternate" type="application/atom+xml; charset=utf-8" href="/news.atom">')
        self.pages = {"/": page("Root", ["/a", "/b"], head=announced), "/robots.txt": self.robots}
        for path in ("/a", "/b", *self.mapped(), *self.posted()):
            self.pages[path] = page(f"Page {path}", ["/below" + path], head=announced)
            self.pages["/below" + path] = page(f"Below {path}")
        self.server = Server(Pages(self.pages))

    @staticmethod
    def mapped():
        return [f"/{name}/{n}" for name in ("old", "new") for n in range(5)]

    @staticmethod
    def posted():
        return [f"/post/{n}" for n in range(3)] + ["/entry/0"]

    def robots(self, _request):
        url = self.server.url
        return Reply(f"User-agent: *\nDisallow: /private/\nSitemap: {url('/maps/index.xml')}\nsitemap: /maps/relative.xml\n"
                     f"Sitemap: http://elsewhere.invalid/map.xml\nSitemap: {url('/private/map.xml')}\nSitemap: {url('/maps/moved.xml')}\n", type="text/plain")

    def __enter__(self):
        url = self.server.start().url
        old, new = ([url(path) for path in self.mapped() if path.startswith(start)] for start in ("/old", "/new"))
        self.pages["/maps/index.xml"] = Reply("<sitemapindex>" + "".join([f"<sitemap><loc>{url(path)}</loc></sitemap>"
                                              for path in ("/maps/old.xml.gz", "/maps/new.xml")]) + "</sitemapindex>", type=XML)
        self.pages["/maps/old.xml.gz"] = Reply(gzip.compress(urlset(old).encode()), type="application/gzip")
        self.pages["/maps/new.xml"] = Reply(urlset([*new, "http://elsewhere.invalid/x"]), type=XML)
        self.pages["/maps/moved.xml"] = redirect("http://elsewhere.invalid/moved.xml")
        self.pages["/posts.rss"] = Reply(rss([url(path) for path in self.posted()[:3]]), type="application/rss+xml")
        self.pages["/news.atom"] = Reply(atom([url("/entry/0")]), type="application/atom+xml")
        return self

    def __exit__(self, *_):
        self.server.stop()

    def maps(self):
        lists = {path: (0, *LIST) for path in ("/maps/index.xml", "/maps/old.xml.gz", "/maps/new.xml")}
        lists |= {"/private/map.xml": (0, "skipped", "ROBOTS_DISALLOWED"), "/maps/moved.xml": (0, "skipped", "REDIRECTED")}
        return lists | {path: (1, *STORED) for path in self.mapped()}

    def feeds(self):
        return {"/posts.rss": (0, *LIST), "/news.atom": (0, *LIST)} | {path: (1, *STORED) for path in self.posted()}

    @staticmethod
    def links():
        return {"/a": (1, *STORED), "/b": (1, *STORED)}


def found(stack, server):
    """{path: (depth, state, code)} of the last crawl."""
    return {url.removeprefix(server.url("")): seen for url, seen in outline(stack.pages()).items()}


@pytest.mark.parametrize("wish, sources", [
    ({}, ["links"]),
    ({"sitemap": "skip", "feeds": False}, ["links"]),
    ({"sitemap": "include"}, ["links", "maps"]),
    ({"sitemap": "only", "feeds": True}, ["maps"]),
    ({"feeds": True}, ["links", "feeds"]),
    ({"sitemap": "include", "feeds": True, "prefix": "/"}, ["links", "maps", "feeds"]),
], ids=["none", "skip", "include", "only", "feeds", "all"])
def test_sources(stack, wish, sources):
    with Whole() as site:
        stack.start_all()
        wanted = {"/": (0, *STORED)}
        for source in sources:
            wanted |= getattr(site, source)()
        stack.seed(site.server.url("/"), depth=1, **wish)
        stack.wait_completed()
        same(found(stack, site.server), wanted)
        refused = {row.rule: row.count for row in stack.query("select rule, count from refused")}
        assert "maps" not in sources or refused["scope"] == 3, refused
        assert ("sitemap" in refused) == (wish.get("sitemap") == "only"), refused
        names = {"links": "link", "maps": "sitemap", "feeds": "feed"}
        by = {"/": "seed"} | {path: names[source] for source in sources for path in getattr(site, source)()}
        assert {row.url.removeprefix(site.server.url("")): row.source for row in stack.query("select url, source::text from page")} == by
        assert stack.books() == []


def explained(stack, url):
    """How the page came, and each step of its way: [(path, by)]."""
    [page_there] = stack.value("select page_explain(%s)", url)["pages"]
    admitted = page_there["admitted"]
    return admitted["by"], [(step["url"].split("/", 3)[3], step["by"]) for step in admitted["way"]]


def test_dates_of_lists(stack):
    """The latest that a sitemap gave, whatever it says in the next run; nothing is decided by it."""
    def mapped(dates):
        return Reply("<urlset>" + "".join([f"<url><loc>{server.url(path)}</loc><lastmod>{date}</lastmod></url>" for path, date in dates.items()])
                     + "</urlset>", type=XML)

    pages = {f"/{name}": page(name) for name in "abc"}
    with Server(Pages(pages)) as server:
        pages["/robots.txt"] = Reply(f"Sitemap: {server.url('/map.xml')}", type="text/plain")
        stack.start_all()
        for run, given in enumerate(({"/a": "2026-01-01", "/b": "2026-03-01T12:00:00Z", "/c": "soon"},
                                     {"/a": "2026-02-01", "/b": "2026-02-01", "/c": "2026-02-03"}), 1):
            pages["/map.xml"] = mapped(given)
            stack.seed(server.url("/a"), depth=1, sitemap="include")
            wait_until(lambda r=run: stack.crawl() and stack.crawl().run == r, 30, "the run begins")
            stack.wait_completed()
            dates = {row.url[-2:]: row.listed_at for row in stack.query("select url, listed_at::date::text as listed_at from page where url like '%%/_'")}
            assert dates == ({"/a": "2026-01-01", "/b": "2026-03-01", "/c": None} if run == 1 else
                             {"/a": "2026-02-01", "/b": "2026-03-01", "/c": "2026-02-03"})
            assert [len(server.hits(path)) for path in given] == [run] * 3
        assert explained(stack, server.url("/a")) == ("seed", [("a", "seed")])
        assert explained(stack, server.url("/b")) == ("sitemap", [("map.xml", "sitemap"), ("b", "sitemap")])
        assert stack.books() == []


def test_robots_known_and_deeper(stack):
    """A second crawl of a host, whose robots.txt is known, has its sitemaps too; and pages of sitemaps have links of their own."""
    with Whole() as site:
        stack.start_all()
        stack.seed(site.server.url("/"), depth=0)
        crawl = stack.wait_completed()
        assert len(stack.pages()) == 1
        stack.seed(site.server.url("/"), depth=2, sitemap="include", prefix="/below/old/")
        crawl = stack.wait_completed(crawl.id + 1)
        assert len(site.server.hits("/robots.txt")) == 1
        same(found(stack, site.server), {"/": (0, *STORED)} | {path: seen for path, seen in site.maps().items() if seen[0] == 0})
        stack.seed(site.server.url("/"), depth=2, sitemap="include")
        crawl = stack.wait_completed(crawl.id + 1)
        below = {"/below" + path: (2, *STORED) for path in (*site.mapped(), "/a", "/b")}
        same(found(stack, site.server), {"/": (0, *STORED)} | site.maps() | site.links() | below)
        assert stack.books() == []


def chain(count, held=None):
    """A list in `count` parts, each with one item; from part 0 an anchor leads to some in its middle."""
    pages = {}
    for n in range(count):
        links = [f"/item/{n}"] + ([f"/list?part={k}" for k in range(7, count, 10)] if n == 0 else [])
        body = listing(links, f"/list?part={n + 1}" if n + 1 < count else None)
        pages[f"/list?part={n}"] = Reply(body, after=0.5 if n in (held or ()) else 0)
        pages[f"/item/{n}"] = page(f"Item {n}", [f"/list?part={n}"])
    return pages


def test_next_parts_are_as_deep_as_the_first(stack):
    """Also those that were first found deeper, by a link, and whose items were cut off then."""
    with Server(Pages(chain(30, held=(1, 2)))) as server:
        stack.start_all()
        parts = {f"/list?part={n}": (0, *LIST) for n in range(30)}
        stack.seed(server.url("/list?part=0"), depth=0)
        crawl = stack.wait_completed()
        same(found(stack, server), parts)
        stack.seed(server.url("/list?part=0"), depth=1)
        stack.wait_completed(crawl.id + 1)
        same(found(stack, server), parts | {f"/item/{n}": (1, *STORED) for n in range(30)})
        assert len(server.hits("/list?part=7")) == 2
        assert explained(stack, server.url("/item/1")) == (
            "link", [("list?part=0", "seed"), ("list?part=1", "next"), ("item/1", "link")])
        assert stack.books() == []


def test_parts_without_end(stack):
    """After a hundred of them the next one is a link. What is no part of a list always is one."""
    count = 260
    pages = {f"/list/page/{n}": listing([], f"/list/page/{n + 1}") for n in range(1, count)}
    pages["/list/"] = listing([], "/list/page/1")
    pages[f"/list/page/{count - 1}"] = listing([], "/chapter-one")
    pages["/chapter-one"] = page("Chapter one", head='<link rel="next" href="/chapter-two">')
    pages["/chapter-two"] = page("Chapter two")
    with Server(Pages(pages)) as server:
        stack.start_all()
        stack.seed(server.url("/list/"), depth=3)
        stack.wait_completed()
        wanted = {"/list/": (0, *LIST)} | {f"/list/page/{n}": (n // 101, *LIST) for n in range(1, count)}
        same(found(stack, server), wanted | {"/chapter-one": (3, *STORED)})
        assert stack.value("select count from refused where rule = 'depth'") == 1
        stack.seed(server.url("/list/"))
        ended = "select p.code from page p join crawl c on c.id = p.crawl_id where c.is_inbox and p.ended_at is not null"
        wait_until(lambda: stack.query(ended), 30, "the page asked for alone has ended")
        assert stack.value("select sum(admitted) from crawl where is_inbox") == 1
        assert stack.books() == []


@pytest.mark.limit(180)
def test_writers_killed(make_stack, long):
    """Sitemaps are admitted once and not forgotten, parts come to the same depth, whenever the writers die."""
    rng = chance()
    with Whole() as site:
        site.pages |= chain(60, held=range(1, 60, 9))
        site.pages["/a"] = page("Page /a", ["/list?part=0"])
        wanted = {"/": (0, *STORED)} | site.links() | site.maps() | site.feeds()
        wanted |= {"/below" + path: (2, *STORED) for path in (*site.mapped(), *site.posted(), "/b")}
        wanted |= {f"/list?part={n}": (2, *LIST) for n in range(60)} | {f"/item/{n}": (3, *STORED) for n in range(60)}
        stack = make_stack(**QUICK)
        stack.start_all({"writer": 2})
        crawl = Crawl(stack, site.server.url("/"), len(wanted), depth=3, limit=10_000, sitemap="include", feeds=True)
        for pages in crawl.moments(20 if long else 5, rng, first=0):
            print(f"{pages} pages")
            kill(stack, rng.choice(stack.running("writer")))
        crawl.finish()
        same(found(stack, site.server), wanted)


def test_pages_as_they_were(stack):
    """What is kept for the next run of a crawl is read as it was meant."""
    def answer(body):
        def tagged(request):
            same_again = request.headers.get("if-none-match") == '"one"'
            return Reply(status=304, headers={"ETag": '"one"'}) if same_again else Reply(body, headers={"ETag": '"one"'})
        return tagged

    head = '<link rel="next" href="/?part={}"><link rel="alternate" type="application/rss+xml" href="/feed">'
    pages = {"/": answer(page("First", ["/a"], head=head.format(2))), "/?part=2": answer(page("Second", ["/b"], head=head.format(3))),
             "/?part=3": answer(page("Third")), "/feed": Reply("<rss></rss>", type=XML)}
    pages |= {path: answer(page(path)) for path in ("/a", "/b")}
    with Server(Pages(pages)) as server:
        stack.start_all()
        wanted = {"/": 0, "/?part=2": 0, "/?part=3": 0, "/feed": 0, "/a": 1, "/b": 1}
        for run, outcome in ((1, STORED), (2, ("skipped", "UNCHANGED"))):
            stack.seed(server.url("/"), depth=1, feeds=True)
            wait_until(lambda r=run: stack.crawl() and stack.crawl().run == r, 30, "the run begins")
            stack.wait_completed()
            same(found(stack, server), {path: (depth, *(LIST if path == "/feed" else outcome)) for path, depth in wanted.items()})
        assert stack.query("select * from refused") == []
        assert stack.books() == []
