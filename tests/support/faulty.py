"""A site on several hosts where every second page fails in some way, and what a crawl of it must come to.

    with Faulty(pages=240) as site:
        stack.seed(site.root, depth=site.DEPTH, scope="any", limit=5000)
        … assert outline(stack.pages()) == site.expected()

Which page fails, how, and whether it answers when asked again follows from a hash of its number: a twentieth of the pages
for each kind of KINDS. A fault passes at the second try, or never.
"""

import collections
import email.utils
import gzip
import hashlib
import socket
import time

from .site import Reply, Server, page, redirect

Kind = collections.namedtuple("Kind", "state code passes")  # what it ends with if it never passes; passes: whether some do

KINDS = {
    "refused": Kind("error", "ROBOTS_UNAVAILABLE", True),  # a host that was never reached has not said what it allows
    "reset": Kind("error", "BAD_RESPONSE", True),
    "slow": Kind("error", "TIMEOUT", True),
    "truncated": Kind("error", "BAD_RESPONSE", True),
    "wrong length": Kind("error", "BAD_RESPONSE", True),
    "bad gzip": Kind("error", "BAD_RESPONSE", True),
    "cut gzip": Kind("error", "BAD_RESPONSE", True),
    "missing": Kind("error", "HTTP_4XX", False),
    "broken": Kind("error", "HTTP_5XX", True),
    "limited": Kind("error", "RATE_LIMITED", True),
    "loop": Kind("error", "REDIRECT_LOOP", False),
}
FINE = Kind("stored", "OK", False)

SHARE = 12     # pages of one host; what concerns a whole host has one of its own
AWAY = 8       # hosts that cannot be reached for a while: each is a server
AWAY_TIME = 1  # seconds


class Node:
    """A page: kind (None: fine), whether it is fine when asked again, its URL."""

    def __init__(self, number, kind, passes):
        self.number, self.kind, self.passes = number, kind, passes
        self.url = None

    @property
    def outcome(self):
        return FINE if self.kind is None or self.passes else KINDS[self.kind]


class Faulty:
    """pages: how many, apart from the steps of the loops."""

    DEPTH = 100

    def __init__(self, pages, slow=8.0):
        """slow: seconds that a slow answer takes."""
        self.slow = slow
        self.nodes = [self._make(number) for number in range(pages)]
        self._asked = set()
        self._server = Server({None: self._answer})
        self._away = []
        self._dead = socket.socket()  # a port that nobody else gets, and nobody listens on

    @staticmethod
    def _make(number):
        chance = int.from_bytes(hashlib.sha256(b"%d" % number).digest()[:8], "big")
        kinds = list(KINDS)
        place = chance % (20 if number else 1)
        kind = kinds[place] if number and place < len(kinds) else None
        return Node(number, kind, kind is not None and KINDS[kind].passes and (chance >> 8) % 2 == 0)

    def links(self, number):
        """A tree, and more: what hangs below a page that fails for ever is mostly found elsewhere, too."""
        count = len(self.nodes)
        found = [n for n in (2 * number + 1, 2 * number + 2) if n < count]
        return found + [(number * 7919 + k * 104_729 + 12_345) % count for k in range(1, 5)]

    # Where it is served ---------------------------------------------------------------------------------------------------

    def __enter__(self):
        self._server.start()
        self._dead.bind(("127.0.0.1", 0))
        for node in self.nodes:
            node.url = self._place(node)
        return self

    def __exit__(self, *_):
        self._dead.close()
        for server in [self._server, *self._away]:
            server.stop()

    def _place(self, node):
        path = f"/{node.number}"
        if node.kind == "refused" and node.passes and len(self._away) < AWAY:
            self._away.append(Server({None: self._answer}).start())
            return self._away[-1].url(path, f"away-{node.number}.localhost")
        if node.kind == "refused":
            node.passes = False
            return f"http://dead-{node.number}.localhost:{self._dead.getsockname()[1]}{path}"
        if node.kind == "limited" and not node.passes:
            return self._server.url(path, f"limited-{node.number}.localhost")
        return self._server.url(path, f"host-{node.number % (len(self.nodes) // SHARE)}.localhost")

    @property
    def root(self):
        return self.nodes[0].url

    @property
    def log(self):
        """The access log of all hosts but those that go away."""
        return self._server.log

    def fresh(self):
        """Before each crawl: what passes is there again."""
        self._asked.clear()
        self._server.log.clear()

    def _answer(self, request):
        number, _, step = request.path[1:].partition("/")
        if not number.isdigit() or int(number) >= len(self.nodes):
            return None
        node = self.nodes[int(number)]
        first = node.number not in self._asked
        self._asked.add(node.number)
        body = page(f"Page {number}", [self.nodes[n].url for n in self.links(node.number)], words=92)
        if node.kind is None or (node.passes and not first):
            return Reply(body)
        return getattr(self, "_" + node.kind.replace(" ", "_"))(node, body, step)

    # How it fails ---------------------------------------------------------------------------------------------------------

    def _refused(self, node, _body, _step):
        next(server for server in self._away if node.url.startswith(server.url("", f"away-{node.number}.localhost"))).go_away(AWAY_TIME)
        return Reply(reset=True)

    def _reset(self, node, body, _step):
        return Reply(raw=b"" if node.number % 2 else Reply(body).head + body[:500], reset=True)

    def _slow(self, _node, body, _step):
        return Reply(body, after=self.slow)

    def _truncated(self, _node, body, _step):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
        return Reply(raw=head + b"%x\r\n%s\r\n" % (len(body), body))

    def _wrong_length(self, _node, body, _step):
        return Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (len(body) + 500) + body)

    def _bad_gzip(self, _node, body, _step):
        """With a wrong checksum."""
        return Reply(gzip.compress(body)[:-8] + bytes(8), headers={"Content-Encoding": "gzip"})

    def _cut_gzip(self, node, body, _step):
        """By half or by a byte; Content-Length is that of what is left."""
        packed = gzip.compress(body)
        return Reply(packed[:len(packed) // 2 if node.number % 2 else -1], headers={"Content-Encoding": "gzip"})

    def _missing(self, _node, _body, _step):
        return None

    def _broken(self, _node, _body, _step):
        return Reply("broken", status=500)

    def _limited(self, node, _body, _step):
        later = "1" if node.number % 2 else email.utils.formatdate(time.time() + 1.5, usegmt=True)
        return Reply("later", status=429, headers={"Retry-After": later})

    def _loop(self, node, _body, step):
        """To itself, or over two others."""
        if node.number % 2:
            return redirect(node.url)
        return redirect({"": f"{node.url}/1", "1": f"{node.url}/2", "2": node.url}[step])

    # What it must come to -------------------------------------------------------------------------------------------------

    def expected(self):
        """{url: (depth, state, code)}. Breadth first."""
        depths, todo, found = {0: 0}, collections.deque([0]), {}
        while todo:
            node = self.nodes[todo.popleft()]
            depth, outcome = depths[node.number], node.outcome
            found |= self._steps(node, depth) if node.kind == "loop" else {node.url: (depth, outcome.state, outcome.code)}
            for target in self.links(node.number) if outcome is FINE else []:
                if target not in depths:
                    depths[target] = depth + 1
                    todo.append(target)
        return found

    @staticmethod
    def _steps(node, depth):
        urls = [node.url] if node.number % 2 else [node.url, f"{node.url}/1", f"{node.url}/2"]
        loop = KINDS["loop"]
        return {url: (depth, "skipped", "REDIRECTED") for url in urls[:-1]} | {urls[-1]: (depth, loop.state, loop.code)}
