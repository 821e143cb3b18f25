"""A gateway on loopback that answers what a test says, and fails in every way a real one can.

In a test:

    with FakeGateway() as fake:
        fake.on("GET", "/v1/crawl/3", {"success": True, "data": crawl()})          # the same to each request
        fake.on("GET", "/v1/status", answer(503, {...}, retry_after=1), {...})     # one a request; the last one stays
        fake.on("GET", "/v1/crawl/3/events", stream(event("start", crawl(), 1)))   # server-sent events, then the end
        env = {"GISTMILL_URL": fake.url}
        fake.requests        # what came: method, path, query, headers, body

An answer is a dict (status 200), what answer(), stream(), raw() give, or a function of the handler. What no answer is set for is
404 UNKNOWN.
"""

import http.server
import json
import threading
import urllib.parse


COUNTS = ("admitted", "registered", "scheduled", "queued", "fetching", "parsing", "awaiting", "summarizing", "storing", "stored", "skipped", "error",
          "cancelled")


def crawl(number=3, state="running", **members):
    """A crawl as the API shows it. counts are given by name: crawl(stored=5, error=1)."""
    counts = {name: members.pop(name, 0) for name in COUNTS}
    return {"id": f"00000000-0000-4000-8000-{number:012d}", "number": str(number), "seed": "https://example.org/", "state": state, "scope": "host",
            "depth": 2, "limit": 1000, "priority": 0, "run": 1, "createdAt": "2026-11-21T12:00:00.000Z", "startedAt": "2026-11-21T12:00:00.100Z",
            "finishedAt": "2026-11-21T12:01:12.100Z" if state in ("completed", "cancelled", "failed") else None, "pausedAt": None,
            "counts": counts, "news": {"added": 0, "changed": 0, "unchanged": 0, "gone": 0, "failed": 0}, "ratePerMinute": 492,
            "etaSeconds": 24, "tokens": {"prompt": 0, "cached": 0, "completion": 0}, "costUsd": 0, "why": None, "error": None} | members


def page(number=1, **members):
    return {"id": str(number), "crawl": "3", "url": f"https://example.org/{number}", "depth": 1, "parent": "https://example.org/", "state": "stored",
            "stage": "stored", "code": "OK", "detail": None, "status": 200, "attempts": 1, "bytes": 14200, "words": 812, "title": f"Page {number}",
            "lang": "en", "news": "added", "times": {"registered": "2026-11-21T12:00:00.000Z", "fetched": "2026-11-21T12:00:01.500Z",
                                                      "stored": "2026-11-21T12:00:02.000Z"}} | members


def answer(status, body, retry_after=None, **headers):
    """Any status. body: JSON if it is no bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)

    def send(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)
    return send


def error(status, code, words, **details):
    return answer(status, {"success": False, "code": code, "error": words, "details": details})


def raw(*pieces):
    """These bytes instead of an answer, then the end of the connection. A function among them is called: a test may wait in it."""
    def send(handler):
        for piece in pieces:
            if callable(piece):
                piece()
            else:
                handler.wfile.write(piece)
                handler.wfile.flush()
        handler.close_connection = True
    return send


def event(name, data, number=None):
    text = f"event: {name}\n" + (f"id: {number}\n" if number is not None else "")
    return (text + f"data: {json.dumps(data)}\n\n").encode()


def stream(*pieces):
    """Server-sent events, and the end of the connection after the last one."""
    return raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n", *pieces)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def handle_any(self):
        parts = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        send = self.server.fake.take({"method": self.command, "path": parts.path, "query": dict(urllib.parse.parse_qsl(parts.query)),
                                      "headers": dict(self.headers), "body": body})
        try:
            send(self) if callable(send) else answer(200, send)(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_DELETE = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        """Clients that hang up are what this is for."""


class FakeGateway:
    def __init__(self):
        self.requests = []
        self._answers = {}
        self._lock = threading.Lock()
        self._server = None
        self.port = 0

    def on(self, method, path, *answers):
        self._answers[method, path] = list(answers)

    def take(self, request):
        with self._lock:
            self.requests.append(request)
            answers = self._answers.get((request["method"], request["path"]))
            if not answers:
                return error(404, "UNKNOWN", f"there is no {request['path']}")
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def paths(self):
        return [f"{request['method']} {request['path']}" for request in self.requests]

    def bodies(self):
        return [json.loads(request["body"]) for request in self.requests if request["body"]]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Again after stop(), at the same port."""
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.fake = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()
