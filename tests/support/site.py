"""Web sites to crawl, on 127.0.0.1: a folder, pages described by an array, or an endless made-up one.

    with Server(Pages({"/": page("Home", links=["/a"]), "/a": Reply(status=500)})) as server:
        stack.seed(server.url("/"), depth=1)
        … server.hits("/a") …

A raw asyncio protocol: one thread of Python serves what a line on the same machine can take (HACKING.md has figures),
needs no package, and knows exactly who asked for what and when. In tests it is a thread of the test; benchmarks run it
as a process of its own: python3 -m support.site --help (from tests/).
"""

import argparse
import asyncio
import collections
import html
import json
import mimetypes
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
import urllib.parse

REASONS = {200: "OK", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently", 302: "Found", 303: "See Other",
           304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 403: "Forbidden",
           404: "Not Found", 410: "Gone", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}

HTML = "text/html; charset=utf-8"

Request = collections.namedtuple("Request", "method path host headers")  # headers: names in lower case
Hit = collections.namedtuple("Hit", "time host path status")             # time: monotonic, when the request had arrived


class Reply:
    """An answer. All but the body have defaults.

    after: seconds to wait before it. until: a threading.Event to wait for. raw: these bytes instead of everything else, then the
    connection ends. reset: the connection is reset instead of an answer (after raw, if there is any).
    """

    __slots__ = ("status", "head", "body", "after", "until", "raw", "reset")

    def __init__(self, body=b"", status=200, type=HTML, headers=(), after=0.0, until=None, raw=None, reset=False):
        self.body = body.encode() if isinstance(body, str) else body
        self.status, self.after, self.until, self.raw, self.reset = status, after, until, raw, reset
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", f"Content-Length: {len(self.body)}"]
        if type:
            lines.append(f"Content-Type: {type}")
        items = headers.items() if isinstance(headers, dict) else headers
        lines += [f"{name}: {value}" for name, value in items]
        self.head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def held(self):
        return self.until is not None and not self.until.is_set()


NOT_FOUND = Reply("<!doctype html><title>Not found</title><p>There is no such page.", status=404)


def redirect(target, status=301):
    return Reply(status=status, headers={"Location": target})


# Sites: anything that can be called with a Request and returns a Reply, bytes, str or None (404) ---------------------------

class Folder:
    """Files of a directory, kept in memory once read. A path that ends in / is its index.html."""

    def __init__(self, directory):
        self.directory = os.path.realpath(directory)
        self._known = {}

    def __call__(self, request):
        path = request.path.partition("?")[0]
        reply = self._known.get(path)
        if reply is None:
            reply = self._known[path] = self._read(path)
        return reply

    def _read(self, path):
        name = os.path.realpath(self.directory + urllib.parse.unquote(path))
        if os.path.isdir(name):
            if not path.endswith("/"):
                return redirect(path + "/")
            name = os.path.join(name, "index.html")
        if not name.startswith(self.directory + os.sep) or not os.path.isfile(name):
            return NOT_FOUND
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        try:
            with open(name, "rb") as f:
                # No charset: the file says itself, or leaves it to be found out.
                return Reply(f.read(), type=kind)
        except OSError as error:
            return Reply(str(error), status=403, type="text/plain")


class Pages:
    """{path: Reply, bytes, str, or a function of the Request}; paths with their query."""

    def __init__(self, pages):
        self.pages = pages

    def __call__(self, request):
        found = self.pages.get(request.path)
        return found(request) if callable(found) else found


class Synthetic:
    """`pages` articles, each with `links` links, always the same for the same numbers.

    /0 is the root; page n links to n·fan+1 … n·fan+fan, so that all are reached within a few levels, and else to pages
    strewn over the whole site. words: about so many a page.
    """

    def __init__(self, pages, links, words=280, fan=None, seed=1):
        self.pages, self.links, self.words, self.seed = pages, links, words, seed
        self.fan = min(links, max(links // 2, 1) if fan is None else fan)

    def targets(self, number):
        first = number * self.fan + 1
        found = [n for n in range(first, first + self.fan) if n < self.pages]
        n = number * 7919 + self.seed
        while len(found) < self.links:
            n = (n * 1103515245 + 12345) & 0x7fffffff
            found.append(n % self.pages)
        return found

    def depths(self):
        """{depth: pages} of the whole site, as a crawl from /0 must find it."""
        depth, level, seen, counts = 0, [0], {0}, {}
        while level:
            counts[depth] = len(level)
            below = {target for n in level for target in self.targets(n)} - seen
            seen |= below
            level, depth = sorted(below), depth + 1
        return counts

    def __call__(self, request):
        name = request.path[1:]
        if not name.isdigit() or int(name) >= self.pages:
            return None
        number = int(name)
        chance = random.Random(self.seed * 1_000_003 + number)
        return _page(f"{title(chance)} {number}", paragraphs(chance, self.words), self._links(number))

    def _links(self, number):
        return "".join([f'<li><a href="/{n}">Record {n}</a>' for n in self.targets(number)])


# Made-up articles -----------------------------------------------------------------------------------------------------

_WHO = ("The harbour master", "A retired surveyor", "The town council", "An elderly gardener", "The school librarian",
        "The railway company", "A young physician", "The museum's curator", "The weather station", "A group of students",
        "The mountain guide", "The regional archive", "A local historian", "The fishing cooperative", "The bridge engineer",
        "A travelling botanist", "The night watchman", "The village baker", "A visiting astronomer", "The water authority")
_DID = ("measured", "described", "repaired", "catalogued", "questioned", "photographed", "restored", "compared", "inspected",
        "counted", "mapped", "translated", "recorded", "examined", "defended", "financed", "planned", "abandoned")
_WHAT = ("the old stone bridge", "a series of tidal tables", "the northern footpath", "several thousand letters",
         "the copper roof of the chapel", "a collection of river maps", "the first steam engine", "an orchard of pear trees",
         "the accounts of the salt trade", "a flock of migrating geese", "the foundations of the lighthouse",
         "a dictionary of the local dialect", "the telescope on the hill", "a row of wooden warehouses",
         "the drainage of the lower meadows", "a set of glass negatives", "the clock above the market hall",
         "a report on the spring floods", "the walls of the upper garden", "a small printing press")
_WHEN = ("in the early spring", "after the long winter", "during the harvest", "before the railway came", "in the same week",
         "towards the end of the century", "on a clear morning", "over the following decade", "within three days",
         "shortly after the great storm", "in the year of the drought", "throughout the summer")
_WHY = ("because nobody had done so before", "although the money was nearly spent", "and published the results at once",
        "so that later visitors could compare them", "while the neighbours watched in silence",
        "and found more than anyone had expected", "since the older records had been lost",
        "but kept the most surprising part to itself", "and asked the ministry for advice",
        "until the first snow made further work impossible", "as the charter of the town required",
        "and left a careful drawing of every detail")
_WHERE = ("Norwick", "Aldermere", "Saltholm", "Greyfield", "Osterby", "Lindau", "Marwell", "Thornton", "Velden", "Kirkhaven")


def title(chance):
    return f"{chance.choice(_WHERE)}: {chance.choice(_WHAT).removeprefix('the ').removeprefix('a ').removeprefix('an ')}"


def sentence(chance):
    pick = chance.choice
    return f"{pick(_WHO)} of {pick(_WHERE)} {pick(_DID)} {pick(_WHAT)} {pick(_WHEN)}, {pick(_WHY)}."


def paragraphs(chance, words=280):
    """Paragraphs of four sentences, about `words` words in sum."""
    return [" ".join([sentence(chance) for _ in range(4)]) for _ in range(max(1, round(words / 92)))]


def article(seed, words=280):
    """The paragraphs of made-up article `seed`, always the same."""
    return paragraphs(random.Random(seed), words)


def _page(heading, texts, links, head=""):
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{heading}</title>{head}</head><body>'
            f'<header>A site for tests</header><main><article><h1>{heading}</h1>'
            + "".join([f"<p>{text}</p>" for text in texts])
            + f"</article></main><nav><ul>{links}</ul></nav><footer>Made up</footer></body></html>").encode()


def page(heading, links=(), seed=None, words=280, head=""):
    """An article of its own (seed: which; by default told by the heading) with these links after it."""
    items = "".join([f'<li><a href="{html.escape(link)}">{html.escape(link)}</a>' for link in links])
    return _page(html.escape(heading), article(heading if seed is None else seed, words), items, head)


# The server -----------------------------------------------------------------------------------------------------------

class _Connection(asyncio.Protocol):
    """One client. Requests are answered in turn; while an answer waits (Reply.after, .until), the next ones wait behind it."""

    def __init__(self, server):
        self.server = server
        self.data = b""
        self.waiting = False

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(transport)

    def connection_lost(self, error):
        self.server.connections.discard(self.transport)

    def data_received(self, data):
        self.data = self.data + data if self.data else data
        if not self.waiting:
            self.work()

    def work(self):
        while not self.waiting and not self.transport.is_closing():
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                return
            head, self.data = self.data[:end], self.data[end + 4:]
            try:
                request = _parse(head)
            except ValueError:
                self.transport.close()
                return
            self.answer(request, time.monotonic())

    def answer(self, request, begin):
        reply = self.server.reply(request)
        self.server.log.append(Hit(begin, request.host, request.path, reply.status))
        if reply.after > 0 or reply.held():
            self.waiting = True
            asyncio.get_running_loop().call_later(reply.after, self.later, request, reply)
        else:
            self.send(request, reply)

    def later(self, request, reply):
        if reply.held() and not self.transport.is_closing():
            asyncio.get_running_loop().call_later(0.02, self.later, request, reply)
            return
        self.waiting = False
        if not self.transport.is_closing():
            self.send(request, reply)
            self.work()

    def send(self, request, reply):
        if reply.raw is not None:
            self.transport.write(reply.raw)
        elif not reply.reset:
            self.transport.write(reply.head if request.method == "HEAD" else reply.head + reply.body)
        if reply.reset:
            # Lingering for no time makes close() a reset.
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.transport.abort()
        elif reply.raw is not None or request.headers.get("connection", "").lower() == "close":
            self.transport.close()


def _parse(head):
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, path, headers.get("host", "").rpartition(":")[0] or headers.get("host", ""), headers)


class Server:
    """Serves a site, or {host name: site} (None: any other host), from start() to stop(), or in a with block.

    Names under .localhost lead to 127.0.0.1 by themselves, so a.localhost and b.localhost are two hosts.
    robots.txt: 404 unless the site has one, or robots= gives its text. listen: makes another socket to listen on.
    """

    def __init__(self, site, port=0, robots=None, address="127.0.0.1", listen=None):
        self.sites = site if isinstance(site, dict) else {None: site}
        self.robots = None if robots is None else Reply(robots, type="text/plain")
        self.address, self.port = address, int(port)
        self._listen = listen or (lambda: socket.create_server((self.address, self.port), backlog=1024))
        self.log = []
        self.faults = []
        self.connections = set()
        self._loop = self._thread = self._listener = None

    def start(self):
        """Returns when the port is open."""
        opened = threading.Event()
        self._loop = asyncio.new_event_loop()
        listening = self._listen()
        self.port = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(opened, listening), name="site", daemon=True)
        self._thread.start()
        opened.wait()
        return self

    def _serve(self, opened, listening):
        asyncio.set_event_loop(self._loop)
        self._listener = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), sock=listening, backlog=1024))
        self._loop.call_soon(opened.set)
        self._loop.run_forever()
        self._loop.close()

    def stop(self):
        """Closes port and connections. Afterwards start() opens the same port again. AssertionError if the site failed."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._shut)
            self._thread.join(10)
            self._thread = None
        if self.faults:
            raise AssertionError("the site failed:\n" + "\n".join(self.faults))

    def go_away(self, seconds):
        """Closes the port for so long: connections are refused meanwhile. To be called by the site, within an answer."""
        if self._listener.is_serving():
            self._listener.close()
            self._loop.call_later(seconds, lambda: self._loop.create_task(self._come_back()))

    async def _come_back(self):
        self._listener = await self._loop.create_server(lambda: _Connection(self), self.address, self.port, backlog=1024)

    def _shut(self):
        self._listener.close()
        for transport in list(self.connections):
            transport.abort()
        self._loop.call_soon(self._loop.stop)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def reply(self, request):
        try:
            return self._reply(request)
        except Exception:  # of the site's own code: told by stop()
            self.faults.append(traceback.format_exc())
            return Reply(status=500)

    def _reply(self, request):
        site = self.sites.get(request.host) or self.sites.get(None)
        found = site(request) if site is not None else None
        if request.path == "/robots.txt" and self.robots is not None and found in (None, NOT_FOUND):
            return self.robots
        if found is None:
            return NOT_FOUND
        return found if isinstance(found, Reply) else Reply(found)

    def url(self, path="/", host=None):
        return f"http://{host or self.address}:{self.port}{path}"

    def hits(self, path=None, host=None):
        """The access log so far: all of it, or what asked for a path, of a host."""
        return [hit for hit in list(self.log) if path in (None, hit.path) and host in (None, hit.host)]

    def twice(self, robots=True):
        """{(host, path): times} of what was asked for more than once."""
        counts = collections.Counter((hit.host, hit.path) for hit in list(self.log)
                                     if robots or hit.path != "/robots.txt")
        return {what: count for what, count in counts.items() if count > 1}

    def gaps(self, host=None):
        """Seconds between requests that follow each other, in order; of one host, or of the only one."""
        times = sorted(hit.time for hit in self.hits(host=host))
        return [after - before for before, after in zip(times, times[1:])]


def main():
    parser = argparse.ArgumentParser(prog="python3 -m support.site", description="Serves a site on 127.0.0.1.")
    parser.add_argument("directory", nargs="?", help="a folder of files")
    parser.add_argument("--synthetic", metavar="PAGES,LINKS", help="instead of a folder: a made-up site, root /0")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-fd", type=int, help="gets a newline once the port is open")
    parser.add_argument("--log", help="access log, written at the end: JSON [time, host, path, status] a line")
    options = parser.parse_args()
    if options.synthetic:
        site = Synthetic(*(int(n) for n in options.synthetic.split(",")))
    elif options.directory:
        site = Folder(options.directory)
    else:
        parser.error("a directory or --synthetic")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    server = Server(site, options.port).start()
    print(server.url(), flush=True)
    if options.ready_fd is not None:
        os.write(options.ready_fd, b"\n")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    server.stop()
    if options.log:
        with open(options.log, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(hit) + "\n" for hit in server.log)
    return 0


if __name__ == "__main__":
    sys.exit(main())
