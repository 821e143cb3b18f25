"""Pages that the parser's child dies of each time: they end as POISON, and nobody else does."""

from support.crawl import Crawl, child_of
from support.site import Pages, Reply, Server, page
from support.stack import PROGRAMS

NEIGHBOURS = 24
# Nearly as large as a page may be: far more memory than the parser gets in one test, far more time than it gets in the other.
MONSTER = "<!doctype html><title>Monster</title><table>" + "<tr><td>x" * 1_100_000


def test_poison(stack, sanitized, long):
    # A sanitizer sets no limit of memory, but needs much time.
    little = {"PARSE_TIMEOUT": "150ms"} if sanitized else {"PARSE_MEMORY": "16"}
    names = [f"/{n}" for n in range(NEIGHBOURS)]
    site = {"/": page("Home", names[:8] + ["/monster"] + names[8:]), "/monster": Reply(MONSTER)} | {name: page(f"Neighbour {name}") for name in names}
    with Server(Pages(site)) as server:
        programs = stack.start_all({"parser": 2 if long else 1}, **little)
        pids = {program.pid for program in stack.programs}
        children = {child_of(parser).pid for parser in programs["parser"]}
        ended = Crawl(stack, server.url(), NEIGHBOURS + 2, depth=1, limit=100).finish()
        monster = server.url("/monster")
    verdicts = {url: page[1:3] for url, page in ended.items()}
    assert verdicts.pop(monster) == ("error", "POISON")
    assert set(verdicts.values()) == {("stored", "OK")} and len(verdicts) == NEIGHBOURS + 1
    # One row an answer: nobody else was tried twice.
    assert stack.value("select count(*) from attempt") == len(ended)
    assert {program.pid for name in PROGRAMS for program in stack.running(name)} == pids
    assert children != {child_of(parser).pid for parser in programs["parser"]}
    assert deaths_within_a_page(programs) >= 2


def test_too_slow(stack):
    with Server(Pages({"/": Reply(MONSTER)})) as server:
        programs = stack.start_all(PARSE_TIMEOUT="50ms")
        ended = Crawl(stack, server.url(), 1, depth=0, limit=1).finish()
        assert [page[1:3] for page in ended.values()] == [("error", "POISON")]
    assert "in time" in stack.value("select detail from page")
    assert deaths_within_a_page(programs) == 2


def deaths_within_a_page(programs):
    return sum(parser.log_text().count("the parser's child ended within a page") for parser in programs["parser"])
