"""A site on which order matters, and what a crawl of it must come to, whatever happens meanwhile.

    maze = Maze(pages=160)
    with Server(maze, robots=maze.ROBOTS) as server:
        maze.fresh()
        stack.seed(server.url("/"), depth=maze.DEPTH, limit=5000)
        … assert stack.outline() == maze.expected(server.url)

Pages are first found on long ways and later on short ones; links cut by the first depth lead to whole regions of the site.
Redirects hang below such pages, too. Between them everything else: errors that pass and errors that stay, loops and chains
of redirects, addresses that robots.txt forbids, pages without an article, equal texts, other types, slow answers.
"""

import collections
import random

from .site import Reply, page, redirect

Node = collections.namedtuple("Node", "kind links state code")

LATE = 1.0    # seconds that the short ways take longer
LISTS = 12    # pages without an article


class Maze:
    """pages: about so many articles. All else follows from the seed of its chance."""

    ROBOTS = "User-agent: *\nDisallow: /private/\n"
    DEPTH = 6

    def __init__(self, pages=160, seed=1, slow=0.0):
        """slow: seconds before each answer."""
        self.nodes = {}
        self.slow = slow
        self._chance = random.Random(seed)
        self._flaky = set()
        self._ways(max(pages // 4, 8))
        self._rest(max(pages // 2, 8))
        self._traps()
        self._add("/", "article", ["/late/0", "/late/1", "/way/0/0", "/way/1/0", "/list/0", "/trap", "/n/0"])

    def _add(self, path, kind, links=(), state="stored", code="OK"):
        self.nodes[path] = Node(kind, list(links), state, code)

    # What there is ------------------------------------------------------------------------------------------------------

    def _ways(self, hubs):
        """Each hub is two steps away behind a slow page, and five by the quick ones; its leaves are out of reach then."""
        for side in range(2):
            mine = [n for n in range(hubs) if n % 2 == side]
            self._add(f"/late/{side}", "late", [f"/hub/{n}" for n in mine])
            for step in range(3):
                self._add(f"/way/{side}/{step}", "article", [f"/way/{side}/{step + 1}"])
            self._add(f"/way/{side}/3", "article", [f"/hub/{n}" for n in mine])
        for n in range(hubs):
            self._add(f"/hub/{n}", "article", [f"/leaf/{n}/0", f"/moved/{n}"])
            # By the long way: hub 5, leaf 6, and the second leaf is cut off.
            self._add(f"/leaf/{n}/0", "article", [f"/leaf/{n}/1"])
            self._add(f"/leaf/{n}/1", "article", [f"/leaf/{n}/2", "/"])
            self._add(f"/leaf/{n}/2", "article", [f"/beyond/{n}/{k}" for k in range(3)])
            for k in range(3):
                self._add(f"/beyond/{n}/{k}", "article" if k else "gone", *(() if k else ([], "error", "HTTP_4XX")))
            # A redirect at depth 3 or 6; what its target links to is there or cut off with it.
            self._move(f"/moved/{n}", f"/target/{n}")
            self._add(f"/target/{n}", "article", [f"/after/{n}"])
            self._add(f"/after/{n}", "article", [f"/hub/{(n + 1) % hubs}"])

    def _rest(self, count):
        """Articles that link to each other at random, and to lists of links."""
        names = [f"/n/{n}" for n in range(count)]
        for n, name in enumerate(names):
            links = [names[k] for k in (2 * n + 1, 2 * n + 2) if k < count]
            links += self._chance.sample(names, min(4, count)) + [f"/list/{n % LISTS}"]
            self._add(name, "same" if n % 9 == 5 else "article", links)
        for n in range(LISTS):
            self._add(f"/list/{n}", "list", [f"/list/{n + 1}", f"/listed/{n}"] if n + 1 < LISTS else [f"/listed/{n}"],
                      "skipped", "NO_ARTICLE")
            self._add(f"/listed/{n}", "article")

    def _traps(self):
        links = [f"/none/{n}" for n in range(4)] + [f"/private/{n}" for n in range(4)]
        for n in range(4):
            self._add(f"/none/{n}", "gone", [], "error", "HTTP_4XX")
            self._add(f"/private/{n}", "article", [], "skipped", "ROBOTS_DISALLOWED")
            self._add(f"/passing/{n}", "passing", ["/n/1"])
            self._add(f"/file/{n}", "file", [], "skipped", "UNSUPPORTED_TYPE")
            links += [f"/passing/{n}", f"/file/{n}"]
        self._add("/broken", "broken", [], "error", "HTTP_5XX")
        # Twelve redirects in a row are one too many: the eleventh page is the last one asked for.
        for n in range(11):
            self._move(f"/chain/{n}", f"/chain/{n + 1}")
        self._add("/chain/10", "moved", ["/chain/11"], "error", "REDIRECT_LOOP")
        for n in range(3):
            self._move(f"/ring/{n}", f"/ring/{(n + 1) % 3}")
        self._add("/ring/2", "moved", ["/ring/0"], "error", "REDIRECT_LOOP")
        self._add("/mirror", "moved", ["/mirror"], "error", "REDIRECT_LOOP")
        self._move("/short", "/chain-end")
        self._add("/chain-end", "article")
        self._move("/secret", "/private/9")
        self._add("/private/9", "article", [], "skipped", "ROBOTS_DISALLOWED")
        self._add("/trap", "article", links + ["/broken", "/chain/0", "/ring/0", "/mirror", "/short", "/secret"])

    def _move(self, path, target):
        self._add(path, "moved", [target], "skipped", "REDIRECTED")

    # What it must come to -----------------------------------------------------------------------------------------------

    def expected(self, url, depth=None):
        """{url: (depth, state, code)}; url: Server.url. Breadth first; a redirect is no step."""
        depth = self.DEPTH if depth is None else depth
        found, todo = {"/": 0}, collections.deque(["/"])
        while todo:
            path = todo.popleft()
            node = self.nodes[path]
            step = 0 if node.code == "REDIRECTED" else 1
            if node.state == "error" or node.code in ("ROBOTS_DISALLOWED", "UNSUPPORTED_TYPE") or found[path] + step > depth:
                continue
            for link in node.links:
                if found.get(link, depth + 1) > found[path] + step:
                    found[link] = found[path] + step
                    (todo.append if step else todo.appendleft)(link)
        return {url(path): (at, self.nodes[path].state, self.nodes[path].code) for path, at in found.items()}

    def times(self, attempts):
        """{path: times} the server is asked for it, if nothing goes wrong. attempts: ATTEMPTS of the writer."""
        more = {"passing": 2, "broken": attempts}
        times = {path: more.get(self.nodes[path].kind, 1) for path, (_, _, code) in self.expected(lambda path: path).items()
                 if code != "ROBOTS_DISALLOWED"}
        return times | {"/robots.txt": 1}

    # Serving ------------------------------------------------------------------------------------------------------------

    def fresh(self):
        """Before each crawl: passing errors are there again."""
        self._flaky.clear()

    def __call__(self, request):
        node = self.nodes.get(request.path)
        if node is None:
            return None
        reply = self._reply(request.path, node)
        if reply is not None:
            reply.after = max(reply.after, self.slow)
        return reply

    def _reply(self, path, node):
        if node.kind == "moved":
            return redirect(node.links[0])
        if node.kind == "gone":
            return None
        if node.kind == "broken" or (node.kind == "passing" and path not in self._flaky):
            self._flaky.add(path)
            return Reply("later", status=503)
        if node.kind == "file":
            return Reply(b"PK\3\4 nothing to read", type="application/zip")
        if node.kind == "list":
            items = "".join(f'<li><a href="{link}">{n}</a>' for n, link in enumerate(node.links))
            return Reply(f"<!doctype html><title>List</title><ul>{items}</ul>")
        if node.kind == "same":
            return Reply(page("The same text in many places", node.links, seed=7))
        return Reply(page(f"Page {path}", node.links), after=LATE if node.kind == "late" else 0.0)
