"""Which links become pages: masks, prefix, preset, guards, pages a host, ranges; and what is said of the others."""

import collections
import json
import os
import subprocess

from support.site import Pages, Reply, Server, Synthetic, page, redirect
from support.stack import wait_until

EVIL = ["a{0,80}a{0,80}[xy]Q", "^/(a|aa)+$"]


class Everything:
    """Every path is a page; links of some of them."""

    def __init__(self, links):
        self.links = links

    def __call__(self, request):
        if request.path == "/robots.txt":
            return None
        return page(request.path, self.links.get(request.path, ()), words=92)


def refused(stack, crawl=None):
    """{rule: (count, samples)}"""
    rows = stack.query("select rule, count, sample from refused where crawl_id = %s", (crawl or stack.crawl()).id)
    return {row.rule: (row.count, row.sample) for row in rows}


def paths(stack, server):
    """Paths of the newest crawl's pages."""
    start = server.url("/")
    return sorted(url.removeprefix(start[:-1]) for url in stack.pages())


def closed(stack):
    assert not stack.books()
    assert not stack.query("select * from quota_check")
    return True


def explain(stack, *arguments):
    """(exit status, answer) of writer --explain."""
    done = subprocess.run([os.path.join(stack.bin_dir, "writer"), "--explain", *map(str, arguments)], env=stack.env, capture_output=True,
                          timeout=180, check=False)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr.decode()


def test_each_rule_refuses_its_own(stack):
    """A crawl with prefix, masks and preset: pages and refusals are as the rules say."""
    wanted = ["/w/Bridge", "/w/Bridge?page=2", "/w/River/Notes"]
    unwanted = {
        "prefix": ["/other/Bridge", "/W/Bridge"],
        "preset": ["/w/Talk:Bridge", "/w/Datei:A.png", "/w/index.php?title=Special%3ASearch", "/w/Bridge?action=edit"],
        "exclude": ["/w/Bridge.pdf", "/w/draft/Bridge"],
        "include": ["/w/lake"],
        "path_repeat": ["/w/A/b/b/b/b"],
        "parameters": ["/w/Bridge?" + "&".join(f"p{n}={n}" for n in range(17))],
        "url_length": ["/w/B" + "x" * 1024],
        "url": ["ftp://elsewhere.test/"],
        "scope": ["http://elsewhere.test/w/Bridge"],
    }
    links = wanted + [link for some in unwanted.values() for link in some]
    stack.start_all()
    with Server(Everything({"/start": links})) as server:
        stack.seed(server.url("/start"), depth=1, prefix="/w/", include=["^/w/[A-Z]", "^/w/index"],
                   exclude=["[.]pdf$", "(?i)/DRAFT/"], preset="wiki")
        assert stack.wait_completed().stored == 1 + len(wanted)
        found = refused(stack)
        assert paths(stack, server) == sorted(["/start"] + wanted)  # the seed was asked for by name
    # The parser gives no links that nobody could fetch.
    del unwanted["url"]
    assert {rule: count for rule, (count, _) in found.items()} == {rule: len(some) for rule, some in unwanted.items()}
    for rule, (_, sample) in found.items():
        assert sample[0].endswith(unwanted[rule][0]), (rule, sample)
    assert stack.value("select rules->>'prefix' from crawl where not is_inbox") == "/w/"
    assert closed(stack)

    # The writer says so of each of them; SQL says what it can, and what it cannot.
    number, unjudged = stack.crawl().id, {"url_length", "path_repeat", "parameters", "calendar", "preset", "exclude", "include"}
    for rule, links in unwanted.items():
        for link in links:
            url = link if "://" in link else server.url(link)
            status, answer = explain(stack, url, number)
            assert status == 0, answer
            assert [(said["crawl"], said["says"], said["rule"]) for said in answer["rules"]] == [(str(number), "refuses", rule)], (link, answer)
            [refusal] = answer["not_admitted"]
            assert {r["rule"] for r in refusal["refused"] if r["sampled"]} <= {rule}
            now = {said["rule"]: said["says"] for said in refusal["now"]}
            assert {rule for rule, says in now.items() if says == "unknown"} == unjudged | {"depth"}, (link, now)
            assert rule in unjudged or now[rule] == "refuses", (link, now)
    for url, what in ((server.url("/w/Other"), "admits"), (server.url("/w/Other.pdf"), "refuses"), ("ftp://x.test/", "refuses")):
        status, answer = explain(stack, url)
        assert [said["says"] for said in answer["rules"]] == [what], answer
    assert explain(stack, server.url("/w/Other.pdf"))[1]["rules"][0]["why"] == "exclude[0]: [.]pdf$"
    status, answer = explain(stack, server.url("/w/x/../Bridge#part"))
    assert answer["pages"][0]["admitted"]["by"] == "link" and answer["rules"] == []
    assert explain(stack, server.url("/w/Other"), 4711)[0] == 1
    assert explain(stack, server.url("/w/Other"), "x")[0] == 100


def test_a_bad_mask_is_refused_with_its_place(stack):
    stack.start("writer")
    stack.seed("http://a.test/", include=["^/a", "/b("])
    stack.seed("http://a.test/?page=[9-1]", depth=1)
    stack.seed("http://a.test/[1-3][a-")
    stack.publish("seed", b"http://a.test/[2-1]\nhttp://a.test/x[8-5]")
    wait_until(lambda: stack.value("select count(*) from bad_request") == 4, 30, "four refused")
    reasons = collections.Counter(row.reason for row in stack.query("select reason from bad_request"))
    assert reasons == {"include[1]: at offset 3: missing closing parenthesis": 1,
                       "url: range at offset 20: it ends before it begins": 1,
                       "range at offset 14: it ends before it begins": 1,
                       "range at offset 15: it ends before it begins": 1}
    wait_until(lambda: stack.value("select count(*) from page") == 3, 30, "the range before a lonely bracket")
    assert stack.crawl() is None


def test_pages_of_a_host_are_counted_exactly(make_stack):
    """Four writers, links to all hosts on every page: each host has as many pages as wanted, not one more."""
    hosts, wanted = 6, 7
    stack = make_stack(PREFETCH="3")  # many small transactions that meet
    stack.start_all({"writer": 4, "fetcher": 2})
    site = Everything({})
    with Server(site) as server:
        links = [server.url(f"/p{n}", host=f"h{host}.localhost") for n in range(12) for host in range(hosts)]
        site.links = {f"/{name}": links for name in ["start"] + [f"p{n}" for n in range(12)]}
        stack.seed(server.url("/start", host="h0.localhost"), depth=5, scope="any", per_host=wanted)
        crawl = stack.wait_completed()
    counts = stack.query("select h.name, count(*) from page p join host h on h.id = p.host_id where crawl_id = %s group by 1", crawl.id)
    assert {row.count for row in counts} == {wanted} and len(counts) == hosts, counts
    assert refused(stack)["per_host"][0] > 0
    assert stack.query("select distinct pages from quota") == [(wanted,)]
    [said] = explain(stack, server.url("/new", host="h0.localhost"))[1]["rules"]
    assert (said["rule"], said["why"]) == ("per_host", f"h0.localhost:{server.port}: {wanted} of {wanted}")
    [said] = explain(stack, server.url("/new", host="h99.localhost"))[1]["rules"]
    assert said["says"] == "admits"
    assert closed(stack)


def test_what_redirects_gives_its_place_to_the_target(stack):
    """per_host 1: the one page that is wanted is the one that the seed leads to; also in a second run."""
    site = Pages({"/": redirect("/home"), "/home": page("Home", ["/", "/home", "/a", "/b"]), "/a": page("A"), "/b": page("B")})
    stack.start_all()
    with Server(site) as server:
        for run in (1, 2):
            stack.seed(server.url("/"), depth=2, per_host=1)
            wait_until(lambda n=run: stack.value("select state::text from crawl where run = %s and not is_inbox", n) == "completed", 30, "run ended")
            assert {url: row[1:3] for url, row in stack.pages().items()} == {
                server.url("/"): ("skipped", "REDIRECTED"), server.url("/home"): ("stored", "OK")}
            assert stack.query("select pages from quota") == [(1,)]
            assert closed(stack)
    assert refused(stack)["per_host"][0] == 4


def test_ranges(stack):
    """A range in a crawl's seed, in a bare URL, and more of it than one message may hold."""
    stack.start_all()
    with Server(Everything({})) as server:
        stack.seed(server.url("/list?page=[1-96]"), depth=0)
        crawl = stack.wait_completed()
        assert (crawl.admitted, crawl.stored) == (96, 96)
        assert crawl.seed == server.url("/list?page=1")
        stack.seed(server.url("/list?page=[1-96]"), depth=0)
        wait_until(lambda: stack.crawl(crawl.id).run == 2, 30, "the same range is the same crawl")
        stack.wait_completed(crawl.id)

        stack.publish("seed", server.url("/o?offset=[0-1900:20]\n").encode() + server.url("/x[1]=[]\n").encode())
        wait_until(lambda: stack.value("select count(*) from page p join crawl c on c.id = p.crawl_id where is_inbox") == 97, 30, "inbox")

        big = server.url("/big/[1-7000]")
        stack.start("writer")
        stack.publish("seed", f"{big}\n{big}x".encode())
        wait_until(lambda: stack.value("select count(*) from bad_request") == 1, 30, "the second is too many")
        assert stack.value("select reason from bad_request") == "the ranges of one message make more than 10000 URLs"
        assert stack.value("select count(*) from page where url like '%%/big/%%'") == 7000
    assert closed(stack)


def test_a_calendar_ends(stack):
    """A calendar that goes on for ever, both ways, gives a bounded number of pages; articles behind dates do not count."""
    def months(request):
        path = request.path
        if path == "/robots.txt":
            return None
        if not path.startswith("/cal/"):
            return page(path, ["/cal/2030/6/"] if path == "/" else [], words=92)
        year, month = map(int, path.split("/")[2:4])
        number = year * 12 + month - 1
        near = [n for n in range(number - 40, number + 41) if 1900 * 12 <= n < 2200 * 12]
        return page(path, [f"/cal/{n // 12}/{n % 12 + 1}/" for n in near] + [f"/{year}/{month}/1/what-happened"], words=92)

    stack.start_all()
    with Server(months) as server:
        stack.seed(server.url("/"), depth=1000, limit=100_000)
        crawl = stack.wait_completed(deadline=100)
    assert stack.value("select count(*) from page where url like '%%/cal/%%'") == 1000
    assert stack.query("select name, pages from quota") == [(server.url("/cal/#/#").partition("//")[2], 1000)]
    assert crawl.stored == 1 + 2 * 1000
    assert refused(stack)["calendar"][0] > 0
    [said] = explain(stack, refused(stack)["calendar"][1][0], crawl.id)[1]["rules"]
    assert said["rule"] == "calendar" and said["why"].endswith("/cal/#/#: 1000 of 1000")
    assert closed(stack)


def test_an_evil_mask_hurts_nobody_else(stack):
    """Masks that take as long as they may: their crawl ends, and a crawl beside it is not slower for it, nor loses links."""
    long_links = ["/" + "a" * 900 + f"{n}aaQ" for n in range(300)]
    site = Everything({"/evil": long_links + ["/fine"], "/good": [f"/good/{n}" for n in range(50)]})
    stack.start_all()
    with Server(site) as server:
        stack.seed(server.url("/evil"), depth=1, exclude=EVIL)
        stack.seed(server.url("/good"), depth=1, exclude=["/bad"])
        wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == 2, 60, "both ended")
    good, evil = (stack.query("select * from crawl where seed like %s", f"%/{name}")[0] for name in ("good", "evil"))
    assert good.stored == 51 and not refused(stack, good)
    count, sample = refused(stack, evil)["mask_limit"]
    assert evil.admitted + count == 302 and "/aaaa" in sample[0]
    assert closed(stack)


def test_scope_by_address(stack):
    """127.0.0.1 and 127.0.0.2 are no names below a domain 0.1 or so."""
    with Server(Synthetic(3, 2), address="127.0.0.2") as other:
        site = Pages({"/": page("Home", [other.url("/0"), "/a"]), "/a": Reply(page("A"))})
        stack.start_all()
        with Server(site) as server:
            stack.seed(server.url("/"), depth=2, scope="domain")
            stack.wait_completed()
            assert paths(stack, server) == ["/", "/a"]
            assert refused(stack)["scope"] == (1, [other.url("/0")])
