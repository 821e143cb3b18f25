"""The unmodified npm package `firecrawl` (4.x) with apiUrl set to a gateway; and its wire format, field by field.

deploy/install-deps check sees to Node and npm; without them the first half is no test here. The package is fetched once into .run/npm.
"""

import json
import os
import subprocess

import pytest

from support import npm
from support.gateway import Gateway
from support.site import Pages, Reply, Server, Synthetic, page

PACKAGE = ("firecrawl", "4.42.0")
SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "node", "firecrawl.mjs")
SITE = {"/": page("Home", ["/a", "/b", "/gone", "/private"], seed=1), "/a": page("A", seed=2), "/b": page("B", seed=3), "/gone": Reply(status=404),
        "/private": page("P", seed=4)}
ROBOTS = "User-agent: *\nDisallow: /private\n"


@pytest.fixture
def line(stack):
    stack.start_all()
    return stack, Gateway(stack)


if npm.there():
    @pytest.fixture(scope="module")
    def folder():
        return npm.package(*PACKAGE)

    def call(folder, gateway, method, *arguments, key=""):
        """What a method of the client returns; ["error"] if it throws."""
        done = subprocess.run(["node", SCRIPT, folder, gateway.url().rstrip("/")], input=json.dumps([method, *arguments]), timeout=270, check=True,
                              capture_output=True, text=True, env={"PATH": os.environ["PATH"], "KEY": key})
        return json.loads(done.stdout)

    @pytest.mark.limit(240)
    def test_crawl_by_the_package(line, folder):
        stack, gateway = line
        with Server(Pages(SITE), robots=ROBOTS) as site:
            whole = call(folder, gateway, "crawl", site.url("/"), {"limit": 10, "scrapeOptions": {"formats": ["markdown", "summary"]}, "pollInterval": 1})
            job = whole["value"]
            assert job["status"] == "completed" and job["completed"] == job["total"] == 3 and job["next"] is None, whole
            assert {doc["metadata"]["sourceURL"] for doc in job["data"]} == {site.url("/"), site.url("/a"), site.url("/b")}
            assert all(doc["markdown"] and doc["summary"] and doc["metadata"]["statusCode"] == 200 for doc in job["data"])
            started = call(folder, gateway, "startCrawl", site.url("/"), {"limit": 5, "maxDiscoveryDepth": 1})["value"]
            assert started["id"] and started["url"].endswith(f"/v2/crawl/{started['id']}")
            gateway.wait_state(started["id"], "completed")
            status = call(folder, gateway, "getCrawlStatus", started["id"])["value"]
            assert status["status"] == "completed" and len(status["data"]) == 3
            errors = call(folder, gateway, "getCrawlErrors", started["id"])["value"]
            assert [(error["url"], error["code"]) for error in errors["errors"]] == [(site.url("/gone"), "HTTP_4XX")]
            assert errors["robotsBlocked"] == [site.url("/private")]
            watched = call(folder, gateway, "watch", started["id"])["value"]
            assert watched["status"] == "completed" and len(watched["seen"]) == 3  # Node below 22 has no WebSocket: it polls
        assert call(folder, gateway, "getCrawlStatus", "00000000-0000-0000-0000-00000000000f")["error"]["status"] == 404
        bad = call(folder, gateway, "startCrawl", "ftp://x.example/")
        assert bad["error"]["status"] == 400 and bad["error"]["code"] == "BAD_REQUEST" and bad["error"]["details"]["field"] == "url"
        assert stack.books() == []

    @pytest.mark.limit(240)
    def test_cancel_and_pages_by_the_package(make_stack, folder):
        stack = make_stack(HOST_DELAY="300ms")
        stack.start_all()
        gateway = Gateway(stack)
        with Server(Synthetic(100, 6)) as site:
            started = call(folder, gateway, "startCrawl", site.url("/0"), {"crawlEntireDomain": True})["value"]
            active = call(folder, gateway, "getActiveCrawls")["value"]["crawls"]
            assert [(crawl["id"], crawl["url"]) for crawl in active] == [(started["id"], site.url("/0"))]
            assert call(folder, gateway, "cancelCrawl", started["id"])["value"] is True
            assert call(folder, gateway, "getCrawlStatus", started["id"])["value"]["status"] == "cancelled"

    @pytest.mark.limit(240)
    def test_scrape_by_the_package(line, folder):
        stack, gateway = line
        linked = page("Linked", seed=5).replace(b"</p>", b' See <a href="https://else.example/x">there</a>.</p>', 1)
        with Server(Pages(SITE | {"/linked": linked, "/slow": Reply(page("Slow", seed=6), after=60)}), robots=ROBOTS) as site:
            doc = call(folder, gateway, "scrape", site.url("/linked"), {"formats": ["markdown", "links", "summary"]})["value"]
            assert doc["markdown"] and doc["summary"] and doc["links"] == ["https://else.example/x"] and "warning" not in doc, doc
            assert doc["metadata"]["sourceURL"] == site.url("/linked") and doc["metadata"]["title"]
            again = call(folder, gateway, "scrape", site.url("/linked"), {"formats": ["screenshot"], "actions": [{"type": "wait", "milliseconds": 1}]})
            assert again["value"]["warning"] == "not honoured: actions, formats screenshot" and len(site.hits("/linked")) == 1
            call(folder, gateway, "scrape", site.url("/linked"), {"maxAge": 0})
            assert len(site.hits("/linked")) == 2
            gone = call(folder, gateway, "scrape", site.url("/gone"))["error"]
            assert gone["status"] == 422 and gone["code"] == "HTTP_4XX"
            slow = call(folder, gateway, "scrape", site.url("/slow"), {"timeout": 1000, "autoResume": False})["error"]
            assert slow["status"] == 408 and slow["code"] == "SCRAPE_TIMEOUT", slow
            batch = call(folder, gateway, "batchScrape", [site.url("/a"), site.url("/b"), "nonsense"], {"pollInterval": 1})["value"]
            assert batch["status"] == "completed" and {doc["metadata"]["sourceURL"] for doc in batch["data"]} == {site.url("/a"), site.url("/b")}
        assert stack.books() == []


def test_fields(line):
    """What a crawl's fields become; what cannot be is named, what is unknown is ignored."""
    stack, gateway = line

    def seed(**fields):
        answer = gateway.post("/v2/crawl", {"url": "http://127.0.0.1:9/docs/", **fields})
        assert answer.status == 200 and answer.json["success"] is True, answer
        return gateway.data(f"/v1/crawl/{answer.json['id']}")["request"], answer.json.get("warning")

    plain = {"url": "http://127.0.0.1:9/docs/", "limit": 10000, "depth": 1000, "prefix": "/docs/"}
    assert seed() == (plain, None)
    assert seed(origin="js-sdk@4", integration="x", unheardOf={"a": 1}, delay=0, webhook=None, maxConcurrency=None) == (plain, None)
    assert seed(limit=7, maxDiscoveryDepth=2, includePaths=["a"], excludePaths=["b"], regexOnFullURL=True, crawlEntireDomain=True, sitemap="skip") == (
        {"url": plain["url"], "limit": 7, "depth": 2, "include": ["a"], "exclude": ["b"], "sitemap": "skip", "match": "url"}, None)
    assert seed(allowSubdomains=True)[0]["scope"] == "domain" and seed(allowSubdomains=True, allowExternalLinks=True)[0]["scope"] == "any"
    assert seed(prompt="p", delay=2, webhook="http://x.example/", scrapeOptions={"formats": ["html", {"type": "json", "prompt": "x"}, 7], "mobile": True,
                "onlyMainContent": False, "waitFor": 100, "proxy": "basic"})[1] == (
        "not honoured: prompt, delay, webhook, waitFor, mobile, onlyMainContent, formats html, formats json, formats ?")
    for fields, field in (({"limit": "7"}, "limit"), ({"limit": 0}, "limit"), ({"maxDiscoveryDepth": -1}, "depth"), ({"includePaths": ["("]}, "include"),
                          ({"includePaths": "x"}, "include")):
        answer = gateway.post("/v2/crawl", {"url": "http://127.0.0.1:9/", **fields})
        assert answer.status == 400 and answer.json["details"]["field"] == field, answer
    for path, body in (("/v2/crawl", {}), ("/v2/crawl", {"url": []}), ("/v2/scrape", {}), ("/v2/scrape", {"url": "x"}), ("/v2/batch/scrape", {}),
                       ("/v2/batch/scrape", {"urls": ["x"]}), ("/v2/batch/scrape", {"urls": ["http://x.example/", 7], "ignoreInvalidURLs": False})):
        assert gateway.post(path, body).status == 400
    assert stack.books() == []


def test_pages_of_a_status(line):
    """`next` leads through all documents; `skip` and `limit` do, too."""
    _, gateway = line
    with Server(Synthetic(25, 6)) as site:
        crawl = gateway.post("/v2/crawl", {"url": site.url("/0"), "crawlEntireDomain": True}).json["id"]
        gateway.wait_state(crawl, "completed")
    seen, path = [], f"/v2/crawl/{crawl}?limit=10"
    while path:
        answer = gateway.get(path).json
        seen += [doc["metadata"]["sourceURL"] for doc in answer["data"]]
        path = answer["next"] and answer["next"].removeprefix(gateway.url().rstrip("/"))
    assert len(seen) == len(set(seen)) == 25 == answer["total"] == answer["completed"]
    assert [doc["metadata"]["sourceURL"] for doc in gateway.get(f"/v2/crawl/{crawl}?skip=20&limit=3").json["data"]] == seen[20:23]
    assert gateway.get(f"/v2/crawl/{crawl}?limit=1", {"Host": "localhost:1", "X-Forwarded-Proto": "https"}).json["next"].startswith("https://localhost:1/v2/")
