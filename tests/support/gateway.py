"""A gateway under test, and a client that can also misbehave."""

import contextlib
import http.client
import json
import os
import select
import socket
import time
import urllib.parse

from .process import Failure, Port, wait_until

JSON = {"Content-Type": "application/json"}


class Answer:
    """status, headers (names in lower case), body; .json."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]}"


class Gateway:
    """Started on a free port, beside a stack's programs."""

    def __init__(self, stack, wait=True, **env):
        self.stack = stack
        self.port = Port()
        self.program = stack.start("gateway", GATEWAY_ADDR=f"127.0.0.1:{self.port}", **env)
        if wait:
            self.wait_ready()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait_ready(self, deadline=20.0):
        wait_until(lambda: self.get("/readyz").status == 200, deadline, lambda: f"ready: {self.get('/readyz')}")

    def kill_and_restart(self, wait=True):
        self.program.kill9()
        self.program = self.stack.restart(self.program)
        if wait:
            self.wait_ready()

    def ask(self, method, path, body=None, headers=None, timeout=200):
        """One request on a connection of its own. body: text, bytes, or what becomes JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.port), timeout=timeout)
        headers = {**(JSON if method == "POST" else {}), **(headers or {})}
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())

    def get(self, path, headers=None, **query):
        return self.ask("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""), headers=headers)

    def post(self, path, body=None, **headers):
        return self.ask("POST", path, body, headers)

    def data(self, path, **query):
        """The data of a 200."""
        answer = self.get(path, **query)
        assert answer.status == 200, answer
        return answer.json["data"]

    def crawl(self, url, **wish):
        """Starts a crawl; its id."""
        answer = self.post("/v1/crawl", {"url": url, **wish})
        assert answer.status == 200, answer
        return answer.json["id"]

    def wait_state(self, crawl, *states, deadline=60.0):
        """Waits until the crawl is in one of the states, and gives it."""
        def there():
            found = self.data(f"/v1/crawl/{crawl}")
            return found if found["state"] in states else None
        return wait_until(there, deadline, lambda: f"{states}: {self.get(f'/v1/crawl/{crawl}')}", interval=0.1)

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise Failure(f"no metric {name}")

    def connect(self):
        """A bare socket."""
        return socket.create_connection(("127.0.0.1", int(self.port)), timeout=30)

    def events(self, crawl, **options):
        return Events(self, crawl, **options)


class Event:
    """One server-sent event."""

    def __init__(self, block):
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        self.id = int(fields["id"]) if "id" in fields else None
        self.name = fields.get("event")
        self.data = json.loads(fields["data"]) if "data" in fields else None

    def __repr__(self):
        return f"{self.id} {self.name} {str(self.data)[:200]}"


class Events:
    """An event stream, read as it comes."""

    def __init__(self, gateway, crawl, last=None, after=None, headers=None):
        headers = dict(headers or {})
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self._connection = http.client.HTTPConnection("127.0.0.1", int(gateway.port), timeout=90)
        self._connection.request("GET", f"/v1/crawl/{crawl}/events" + ("" if after is None else f"?after={after}"), headers=headers)
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = dict(self._response.getheaders())
        self._text = ""
        self.comments = 0

    def __iter__(self):
        """Each event until the stream ends or breaks."""
        while True:
            while "\n\n" in self._text:
                block, self._text = self._text.split("\n\n", 1)
                if block.startswith(":"):
                    self.comments += 1
                else:
                    yield Event(block)
            try:
                piece = self._response.read1(65536)
            except (OSError, http.client.HTTPException):
                return
            if not piece:
                return
            self._text += piece.decode()

    def until(self, name):
        """All events up to the first of that name."""
        found = []
        for event in self:
            found.append(event)
            if event.name == name:
                return found
        raise Failure(f"the stream ended without {name}: {found[-5:]}")

    def close(self):
        self._connection.close()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def send_slowly(sock, data, pause):
    """Byte by byte, as long as the other side takes them; seconds that it did."""
    begin = time.monotonic()
    with contextlib.suppress(OSError):
        for byte in data:
            sock.sendall(bytes((byte,)))
            if select.select([sock], [], [], pause)[0] and not sock.recv(1):
                break
    return time.monotonic() - begin
