"""robots.txt of hosts: what the answer to the request for it allows (RFC 9309, section 2.3.1), how often it is asked for."""

import pytest

from support.site import Reply, Server, page, redirect
from support.stack import wait_until

RULES = Reply("User-agent: *\nDisallow: /private\n", type="text/plain")
STORED, DISALLOWED, UNAVAILABLE = ("stored", "OK"), ("skipped", "ROBOTS_DISALLOWED"), ("error", "ROBOTS_UNAVAILABLE")
RULED = {"/": STORED, "/private": DISALLOWED}
ALL = {"/": STORED, "/private": STORED}
NOTHING = {"/": UNAVAILABLE}

# What a host says at /robots.txt, and what becomes of its pages.
ANSWERS = {
    "rules": (RULES, RULED),
    "empty": (Reply("", type="text/plain"), ALL),
    "elsewhere": (lambda port: redirect(f"http://rules.test:{port}/robots.txt"), RULED),
    "five-hops": (lambda port: redirect("/hop/1"), RULED),
    "six-hops": (lambda port: redirect("/hop/0"), ALL),
    "reset": (Reply(reset=True), NOTHING),
    "silent": (Reply("", after=3600), NOTHING),
    "later": (Reply("", status=429), RULED),  # which says nothing about the file: twice, then the rules
} | {f"s{status}": (Reply("User-agent: *\nDisallow: /\n", status=status, type="text/plain"), ALL) for status in (400, 401, 403, 404, 410, 451)
     } | {f"s{status}": (Reply("", status=status), NOTHING) for status in (500, 502, 503, 504)}


class Hosts:
    """NAME.test, for each name of ANSWERS: a front page and a private one."""

    def __init__(self):
        self.port = 0
        self.later = iter((True, True))

    def __call__(self, request):
        answer, _ = ANSWERS[request.host.removesuffix(".test")]
        if request.path == "/robots.txt":
            if request.host == "later.test" and not next(self.later, False):
                return RULES
            return answer(self.port) if callable(answer) else answer
        if request.path.startswith("/hop/"):
            number = int(request.path.rpartition("/")[2])
            return redirect(f"/hop/{number + 1}") if number < 5 else RULES
        return page(f"{request.host} {request.path}", ["/private"], words=92)


@pytest.fixture
def hosts():
    made = Hosts()
    with Server(made) as server:
        made.port = server.port
        yield server


def named_stack(make_stack, server, **env):
    return make_stack(FETCH_RESOLVE=f"*:{server.port}:127.0.0.1", ATTEMPTS="2", RETRY_BACKOFF="50ms", RETRY_BACKOFF_MAX="100ms",
                      FETCH_FIRST_BYTE_TIMEOUT="3s", FETCH_TIMEOUT="6s", HOST_BACKOFF_MAX="100ms", **env)


def test_what_the_answer_means(make_stack, hosts):
    """Rules are kept; a file that is not there allows everything; one that cannot be had allows nothing, and nothing is asked for."""
    stack = named_stack(make_stack, hosts)
    stack.start_all()
    for name in ANSWERS:
        stack.seed(hosts.url(host=f"{name}.test"), depth=1)
    wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == len(ANSWERS), 60,
               lambda: f"all crawls end: {stack.query('select seed, open from crawl where open > 0')}")
    got = {name: {} for name in ANSWERS}
    for row in stack.query("select url, state::text, code from page"):
        host, _, path = row.url.removeprefix("http://").partition("/")
        got[host.partition(".")[0]]["/" + path] = (row.state, row.code)
    assert got == {name: pages for name, (_, pages) in ANSWERS.items()}
    for name, (_, pages) in ANSWERS.items():
        asked = {hit.path for hit in hosts.hits(host=f"{name}.test")} - {"/robots.txt"} - {f"/hop/{n}" for n in range(6)}
        assert asked == {path for path, end in pages.items() if end == STORED}, name
    assert not stack.books()


def test_asked_for_once(make_stack, hosts):
    """However many fetchers run, and over a restart of everything; again when it is too old."""
    stack = named_stack(make_stack, hosts, ROBOTS_TTL="1h")
    stack.start_all({"fetcher": 4})

    def crawl(path):
        stack.seed(hosts.url(path, host="rules.test"), depth=1)
        wait_until(lambda: stack.value("select count(*) from page where url like %s and state = 'stored'", f"%{path}") == 1, 30, path)
        return len(hosts.hits("/robots.txt"))

    assert [crawl(f"/page-{n}") for n in range(5)] == [1] * 5
    stack.stop_all()
    stack.start_all({"fetcher": 4})
    assert crawl("/after") == 1
    stack.query("update host set robots_until = now()")
    assert crawl("/tomorrow") == 2
