"""Pages that kill the parser's child each time: they end as POISON, and nobody else does."""

import pytest

from support.crawl import Crawl, child_of
from support.site import Pages, Reply, Server, page
from support.stack import PROGRAMS

NEIGHBOURS = 24
# Far more memory, and far more time, than the parser gets here; for its neighbours that is time enough on a busy machine, too.
WORDS = "".join(f"<p>Word number {n} of a text that is long enough to be a sentence, and more of it, so that it counts.</p>" for n in range(95_000))
POISON = {"/memory": "<!doctype html><title>Wide</title>" + "<p>x" * 2_000_000,
          "/time": f"<!doctype html><title>Slow</title><article>{WORDS}</article>"}
LIMITS = {"PARSE_MEMORY": "160", "PARSE_TIMEOUT": "400ms"}


@pytest.fixture
def server():
    names = [f"/{n}" for n in range(NEIGHBOURS)]
    links = names[:8] + ["/memory"] + names[8:16] + ["/time"] + names[16:]
    site = {"/": page("Home", links)}
    site |= {name: page(f"Neighbour {name}") for name in names}
    site |= {name: Reply(body) for name, body in POISON.items()}
    with Server(Pages(site)) as made:
        yield made


def test_poison(stack, server, long):
    programs = stack.start_all({"parser": 2 if long else 1}, **LIMITS)
    pids = {program.pid for program in stack.programs}
    children = {child_of(parser).pid for parser in programs["parser"]}
    ended = Crawl(stack, server.url(), NEIGHBOURS + 3, depth=1, limit=100).finish()
    verdicts = {url: page[1:3] for url, page in ended.items()}
    assert {url: verdicts.pop(url) for url in map(server.url, POISON)} == {
        server.url(path): ("error", "POISON") for path in POISON}
    assert "in time" in stack.value("select detail from page where url = %s", server.url("/time"))
    assert set(verdicts.values()) == {("stored", "OK")} and len(verdicts) == NEIGHBOURS + 1
    # One row an answer: nobody else was tried twice.
    assert stack.value("select count(*) from attempt") == len(ended)
    assert {program.pid for name in PROGRAMS for program in stack.running(name)} == pids
    assert children != {child_of(parser).pid for parser in programs["parser"]}
    deaths = sum(parser.log_text().count("the parser's child ended within a page") for parser in programs["parser"])
    assert deaths >= 2 * len(POISON)
