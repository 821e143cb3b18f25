"""Sitemaps of the size their protocol allows: every URL is a row, whatever the form they come in, and memory stays bounded."""

import gzip

import pytest

from support.site import Reply, Server, page
from support.stack import wait_until

MIB = 1 << 20
URLS = 50_000  # sitemaps.org: in one file
LONGEST = (8 << 20) // URLS  # so many bytes of URLs are taken of one file
LIMIT = 5


def sitemap(server, name, count, length=0):
    """length: of each URL; so long ones have no date, that the file keeps below 10 MiB."""
    urls, date = [], "" if length else "<lastmod>2024-02-29</lastmod>"
    for n in range(count):
        url = server.url(f"/{name}/archive/2024/{{}}entry-number-{n}.html")
        urls.append(f"<url><loc>{url.format('x' * (length + 2 - len(url)))}</loc>{date}</url>")
    urls = "".join(urls)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()


def index(server, *paths):
    return "<sitemapindex>" + "".join([f"<sitemap><loc>{server.url(path)}</loc></sitemap>" for path in paths]) + "</sitemapindex>"


@pytest.mark.limit(200)
def test_fifty_thousand_urls(make_stack, sanitized):
    """An index of four sitemaps with 200,000 URLs in sum; two of them are gzipped, one is as large as it may be."""
    stack = make_stack()
    lists = {}

    def site(request):
        return lists.get(request.path) or (page(request.path, words=92) if "/archive/" in request.path else None)

    with Server(site) as server:
        paths = []
        for n in range(4):
            body, ending = sitemap(server, n, URLS, 0 if n else LONGEST), ".gz" if n % 2 else ""
            paths.append(f"/{n}.xml{ending}")
            lists[paths[-1]] = Reply(gzip.compress(body, 1) if ending else body, type="application/gzip" if ending else "text/xml")
        lists["/sitemap.xml"] = Reply(index(server, *paths), type="text/xml")
        started = stack.start_all()
        writer, parser = started["writer"][0], started["parser"][0]
        before = {program: program.peak_rss() for program in (writer, parser)}
        stack.seed(server.url("/sitemap.xml"), depth=2, limit=LIMIT)
        row = stack.wait_completed(deadline=150)
    assert row.admitted == 1 + 4 + 4 * URLS
    assert row.stored == LIMIT
    assert stack.value("select count(*) from page where code = 'NO_ARTICLE'") == 5
    assert stack.value("select count(distinct split_part(url, '/', 4)) from page where url like '%%entry-number-49999.html'") == 4
    assert stack.value("select count(*) from refused") == 0
    assert stack.value("select count(*) from bad_record") == 0
    assert stack.books() == []
    grown = {program.name: (program.peak_rss() - start) // MIB for program, start in before.items()}
    times = sorted(int(line["ms"]) for line in stack.log_lines("writer", event="outcome") if ".xml" in line["url"])
    print(f"\nMiB more at the peak: {grown}; ms of each list in the writer's hand: {times}")
    assert sanitized or (grown["writer"] < 128 and grown["parser"] < 96)
    assert not [line for line in stack.log_lines("writer") if line.get("level") == "error"]


def test_a_long_list_is_offered_again(make_stack):
    """A sitemap found too deep for its URLs keeps them; found on a shorter way, it has them admitted."""
    count = 20_000  # more bytes than a page's links may have
    stack = make_stack(HOST_DELAY="0", ATTEMPTS="100", RETRY_BACKOFF="20ms", RETRY_BACKOFF_MAX="20ms")
    links = {"/": ["/a", "/late"], "/a": ["/b"], "/b": ["/list.xml"], "/late": ["/list.xml"]}
    held = {"/late"}
    lists = {}

    def site(request):
        if request.path in held:
            return Reply(status=503)
        return lists.get(request.path) or page(request.path, links=links.get(request.path, ()), words=92)

    with Server(site) as server:
        lists["/list.xml"] = Reply(sitemap(server, "deep", count), type="text/xml")
        stack.start_all()
        stack.seed(server.url("/"), depth=3, limit=8)
        wait_until(lambda: stack.value("select count(*) from page_links l join page p on p.id = l.page_id where p.code = 'NO_ARTICLE'"),
                   30, "the list's links are kept")
        assert stack.value("select count from refused where rule = 'depth'") == count
        held.clear()
        row = stack.wait_completed()
    assert row.admitted == 5 + count
    assert stack.value("select depth from page where url like '%%/list.xml'") == 2
    assert stack.value("select count(*) from page where depth = 3 and url like '%%/deep/%%'") == count
    assert stack.books() == []
