"""A web site where every page fails in its own way, on 127.0.0.1.

    with FaultSite() as site:
        site.url("/bad-gzip"); site.connections; site.hits("/bad-gzip"); site.requests

FAULTS maps each path to a Fault: how it answers, and the code (and status) the fetcher has to give for it. Paths not in
the table are 404. `python3 tests/support/fault_site.py [PORT]` serves until it is interrupted and prints its address;
--list prints paths and expected codes. Only the standard library.
"""

import asyncio
import collections
import email.utils
import gzip
import ssl
import struct
import sys
import threading
import time
import zlib

Request = collections.namedtuple("Request", "method target headers")  # headers: [(name, value)]
# pauses: the answer takes longer than any sane limit; limits of a test decide how long that is
Fault = collections.namedtuple("Fault", "code status answer note pauses", defaults=("", False))

PAGE = b"<!doctype html><title>A page</title><p>" + b"All work and no play makes a dull page. " * 40
MIB = 1 << 20
PACKED = {
    "br": bytes.fromhex("1b6606009c07764ccdd8a8d4d235259b0b4891b965900f5cbdd539c681c30d32e86003dd24b0c7d819c237c802a4257f6d07e2507d50250adc3c5a4c97eeb4"),
    "zstd": bytes.fromhex("28b52ffd046845020042440e11a0ede0b85eb3c2e78daab9a53765fc17350fddd39c1fcf62f6cafdeeda4de32fe8e8bbc9782bf6207e27e3b454724733997e5e95c519b0010300152ef531a912cf18a613a1a55b4a"),
}
FAULTS = {}


def fault(path, code, status=200, note="", pauses=False):
    def register(answer):
        FAULTS[path] = Fault(code, status, answer, note, pauses)
        return answer
    return register


def head(status="200 OK", length=None, **fields):
    fields = {"content_type": "text/html; charset=utf-8", **fields}
    lines = ["HTTP/1.1 " + status] + [f"{k.replace('_', '-').title()}: {v}" for k, v in fields.items() if v is not None]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole(body=PAGE, status="200 OK", **fields):
    return head(status, len(body), **fields) + body


def constant(path, code, status, data, note="", close=False):
    async def answer(conn, request):
        await conn.send(data() if callable(data) else data)
        if close:
            conn.close()
    FAULTS[path] = Fault(code, status, answer, note)


def chunks(*parts, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + end


# Fine answers ---------------------------------------------------------------------------------------------------------

constant("/", "OK", 200, whole())
constant("/ok", "OK", 200, whole())
constant("/empty", "OK", 200, whole(b""))
constant("/no-content", "OK", 204, b"HTTP/1.1 204 No Content\r\n\r\n")
constant("/gzip", "OK", 200, lambda: whole(gzip.compress(PAGE), content_encoding="gzip"))
constant("/deflate", "OK", 200, lambda: whole(zlib.compress(PAGE), content_encoding="deflate"))
constant("/deflate-raw", "OK", 200, lambda: whole(zlib.compress(PAGE)[2:-4], content_encoding="deflate"), "without the head of zlib")
constant("/br", "OK", 200, whole(PACKED["br"], content_encoding="br"))
constant("/zstd", "OK", 200, whole(PACKED["zstd"], content_encoding="zstd"))
constant("/gzip-members", "OK", 200, lambda: whole(gzip.compress(PAGE[:99]) + gzip.compress(PAGE[99:]), content_encoding="x-gzip"))
constant("/gzip-more", "OK", 200, lambda: whole(gzip.compress(PAGE) + b"\r\n<!-- no part of it -->", content_encoding="gzip"))
constant("/gzip-empty", "OK", 200, whole(b"", content_encoding="gzip"))
constant("/no-coding", "OK", 200, whole(content_encoding="utf-8"), "a common mistake")
constant("/gzip-hints", "OK", 200, lambda: b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n"
         + whole(gzip.compress(PAGE), content_encoding="gzip"))
constant("/chunked", "OK", 200, head(transfer_encoding="chunked") + chunks(PAGE[:100], PAGE[100:]))
constant("/trailer", "OK", 200, head(transfer_encoding="chunked") + chunks(PAGE, end=b"0\r\nETag: \"late\"\r\nContent-Type: image/png\r\n\r\n"))
constant("/close", "OK", 200, head(connection="close") + PAGE, "no length, ends with the connection", close=True)
constant("/http10", "OK", 200, b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE, close=True)
constant("/hints", "OK", 200, b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\nContent-Type: image/png\r\n\r\n" + whole())
constant("/no-type", "OK", 200, whole(content_type=None))
constant("/text", "OK", 200, whole(b"Plain words.\n" * 50, content_type="text/plain"))
constant("/cookie", "OK", 200, whole(set_cookie="session=1; Path=/"))
constant("/fields", "OK", 200, whole(etag='"v1"', last_modified="Sat, 29 Oct 1994 19:43:31 GMT", x_robots_tag="noindex"))
constant("/odd-bytes", "OK", 200, whole(etag='"caf\xe9"', x_odd="\x01\x7f"))
constant("/shorter-than-sent", "OK", 200, lambda: head(length=100, connection="close") + PAGE, "bytes past the length are not ours", close=True)


@fault("/echo", "OK")
async def echo(conn, request):
    await conn.send(whole("\n".join(f"{k}: {v}" for k, v in request.headers).encode("latin-1"), content_type="text/plain"))


# Statuses -------------------------------------------------------------------------------------------------------------

for number, code in ((400, "HTTP_4XX"), (401, "HTTP_4XX"), (403, "HTTP_4XX"), (404, "HTTP_4XX"), (408, "TIMEOUT"), (410, "HTTP_4XX"),
                     (425, "TIMEOUT"), (429, "RATE_LIMITED"), (451, "HTTP_4XX"), (500, "HTTP_5XX"), (502, "HTTP_5XX"),
                     (503, "HTTP_5XX"), (504, "HTTP_5XX"), (300, "BAD_RESPONSE"), (304, "BAD_RESPONSE"), (700, "BAD_RESPONSE")):
    constant(f"/{number}", code, number, whole(b"" if number == 304 else b"<p>no", f"{number} Because"))
constant("/429-seconds", "RATE_LIMITED", 429, whole(b"slow down", "429 Too Many Requests", retry_after="7"))
constant("/503-seconds", "RATE_LIMITED", 503, whole(b"slow down", "503 Unavailable", retry_after="120"))
constant("/503-date", "RATE_LIMITED", 503,
         lambda: whole(b"slow down", "503 Unavailable", retry_after=email.utils.formatdate(time.time() + 90, usegmt=True)))
constant("/503-nonsense", "HTTP_5XX", 503, whole(b"slow down", "503 Unavailable", retry_after="soon"))
constant("/404-endless", "HTTP_4XX", 404, head("404 Not Found", transfer_encoding="chunked") + chunks(*[b"x" * 65536] * 40))
constant("/500-truncated", "HTTP_5XX", 500, head("500 Broken", 5000) + b"<p>", close=True)

# Redirects ------------------------------------------------------------------------------------------------------------

for name, status, code, target in (
        ("relative", 302, "REDIRECTED", "ok?a=1#part"), ("absolute", 301, "REDIRECTED", "http://other.example:8080/x"),
        ("303", 303, "REDIRECTED", "/ok"), ("307", 307, "REDIRECTED", "/ok"), ("308", 308, "REDIRECTED", "/ok"),
        ("scheme", 302, "REDIRECTED", "//other.example/y"), ("self", 302, "REDIRECTED", "/redirect-self"),
        ("credentials", 302, "REDIRECTED", "http://me:secret@other.example/z"), ("utf8", 302, "REDIRECTED", "/caf\xc3\xa9"),
        ("metadata", 302, "REDIRECTED", "http://169.254.169.254/latest/meta-data/"),
        ("file", 302, "BAD_URL", "file:///etc/passwd"), ("gopher", 302, "BAD_URL", "gopher://127.0.0.1:11211/_stats"),
        ("javascript", 302, "BAD_URL", "javascript:alert(1)"), ("broken", 302, "BAD_URL", "http://[::1"),
        ("long", 302, "BAD_URL", "/" + "a" * 3000), ("very-long", 302, "BAD_RESPONSE", "/" + "a" * 20000)):
    constant(f"/redirect-{name}", code, status, whole(b"", f"{status} Elsewhere", location=target))
constant("/redirect-cookie", "REDIRECTED", 302, whole(b"", "302 Elsewhere", location="/echo", set_cookie="session=2; Path=/"))
constant("/redirect-none", "BAD_RESPONSE", 302, whole(b"", "302 Elsewhere"))

# Too large, or not for us ---------------------------------------------------------------------------------------------

for name, kind in (("png", "image/png"), ("pdf", "application/pdf"), ("css", "text/css"), ("json", "application/json"),
                   ("octets", "application/octet-stream")):
    constant(f"/type-{name}", "UNSUPPORTED_TYPE", 200, lambda kind=kind: whole(b"\0" * 300000, content_type=kind))
constant("/huge-announced", "TOO_LARGE", 200, head(length=11 * MIB) + b"x" * 1000, close=True)
constant("/many-headers", "TOO_LARGE", 200, b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 500) for i in range(400)) + b"\r\n")
constant("/long-header", "TOO_LARGE", 200, b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 200000 + b"\r\nContent-Length: 0\r\n\r\n")
for name, note in (("gzip", "12 KB that unpack to 12 MiB"), ("deflate", "the same"), ("br", "27 bytes that do"), ("zstd", "400 bytes that do")):
    constant(f"/bomb-{name}", "TOO_LARGE", 200, lambda name=name: whole(BOMBS[name], content_encoding=name), note)
BOMBS = {
    "gzip": gzip.compress(b"\0" * (12 * MIB)),
    "deflate": zlib.compress(b"\0" * (12 * MIB)),
    "br": bytes.fromhex("cbffff3ff82700e2b14020f7fe2fffff7ff04f00c4611180eefd0f"),
    # RFC 8878: magic number, no checksum and no size, a window of 2 MiB; blocks of type RLE, 128 KiB of zeros each, the last one marked
    "zstd": bytes.fromhex("28b52ffd 00 58") + b"".join((128 * 1024 << 3 | 1 << 1 | (i == 95)).to_bytes(3, "little") + b"\0" for i in range(96)),
}
constant("/bomb-layers", "BAD_ENCODING", 200, lambda: whole(gzip.compress(gzip.compress(PAGE)), content_encoding="gzip, gzip"))
constant("/bomb-fields", "BAD_ENCODING", 200, lambda: head(content_encoding="br", transfer_encoding="gzip, chunked") + chunks(BOMBS["br"]))
constant("/bomb-transfer", "BAD_ENCODING", 200, lambda: head(transfer_encoding="gzip, chunked") + chunks(gzip.compress(PAGE)), "nobody asked for it")
constant("/bomb-hints", "BAD_ENCODING", 200, lambda: b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: gzip\r\n\r\n"
         + whole(gzip.compress(PAGE), content_encoding="gzip"), "the library undoes what a 103 names")


@fault("/huge", "TOO_LARGE", note="never ends")
async def huge(conn, request):
    await conn.send(head(transfer_encoding="chunked"))
    while True:
        await conn.send(chunks(b"<p>more</p>" * 6000, end=b""))


@fault("/bomb-empty", "TOO_LARGE", note="never ends, unpacks to nothing")
async def bomb_empty(conn, request):
    await conn.send(head(content_encoding="gzip", connection="close") + b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
    while True:
        await conn.send(b"\0\0\0\xff\xff" * 20000)  # RFC 1951: a block, stored as it is, of no bytes


@fault("/endless-hints", "TOO_LARGE", 103, note="one head after the other")
async def endless_hints(conn, request):
    while True:
        await conn.send(b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n" * 100)


@fault("/endless-trailer", "TOO_LARGE")
async def endless_trailer(conn, request):
    await conn.send(head(transfer_encoding="chunked") + chunks(PAGE, end=b"0\r\n"))
    while True:
        await conn.send(b"X-More: of this\r\n" * 100)


# Broken ---------------------------------------------------------------------------------------------------------------

constant("/truncated", "BAD_RESPONSE", 200, head(length=10000) + PAGE[:100], close=True)
constant("/truncated-chunked", "BAD_RESPONSE", 200, head(transfer_encoding="chunked") + b"1000\r\nabc", close=True)
constant("/no-last-chunk", "BAD_RESPONSE", 200, head(transfer_encoding="chunked") + chunks(PAGE, end=b""), close=True)
constant("/bad-chunk", "BAD_RESPONSE", 200, head(transfer_encoding="chunked") + b"zz\r\nabc\r\n0\r\n\r\n", close=True)
constant("/nothing", "BAD_RESPONSE", 0, b"", "closes without an answer", close=True)
constant("/garbage", "BAD_RESPONSE", 0, b"SSH-2.0-OpenSSH_9.2\r\n" + b"\x00\xff" * 200, close=True)
constant("/http09", "BAD_RESPONSE", 0, PAGE, close=True)
constant("/head-cut", "BAD_RESPONSE", 200, b"HTTP/1.1 200 OK\r\nContent-Ty", close=True)
constant("/bad-length", "BAD_RESPONSE", 200, b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + PAGE, close=True)
constant("/bad-gzip", "BAD_RESPONSE", 200, whole(gzip.compress(PAGE)[:20] + b"\xff" * 200, content_encoding="gzip"))
constant("/not-gzip", "BAD_RESPONSE", 200, whole(PAGE, content_encoding="gzip"))
constant("/cut-gzip", "BAD_RESPONSE", 200, lambda: whole(gzip.compress(PAGE)[:-40], content_encoding="gzip"), "the length is that of what is left")
constant("/cut-gzip-sum", "BAD_RESPONSE", 200, lambda: whole(gzip.compress(PAGE)[:-1], content_encoding="gzip"))
constant("/cut-gzip-chunked", "BAD_RESPONSE", 200,
         lambda: head(content_encoding="gzip", transfer_encoding="chunked") + chunks(gzip.compress(PAGE)[:-40]))
constant("/cut-gzip-close", "BAD_RESPONSE", 200, lambda: head(content_encoding="gzip", connection="close") + gzip.compress(PAGE)[:-40], close=True)
constant("/cut-deflate", "BAD_RESPONSE", 200, lambda: whole(zlib.compress(PAGE)[:-1], content_encoding="deflate"))
constant("/cut-br", "BAD_RESPONSE", 200, whole(PACKED["br"][:-1], content_encoding="br"))
constant("/cut-zstd", "BAD_RESPONSE", 200, whole(PACKED["zstd"][:-1], content_encoding="zstd"))
constant("/unknown-coding", "BAD_RESPONSE", 200, whole(content_encoding="compress"))
constant("/bad-gzip-sum", "BAD_RESPONSE", 200, lambda: whole(gzip.compress(PAGE)[:-8] + b"\0" * 8, content_encoding="gzip"))


@fault("/reset", "BAD_RESPONSE", 0)
async def reset(conn, request):
    conn.reset()


@fault("/reset-later", "BAD_RESPONSE", note="in the middle of the body")
async def reset_later(conn, request):
    await conn.send(head(length=10000) + PAGE[:500])
    await asyncio.sleep(0.05)
    conn.reset()


# Slow -----------------------------------------------------------------------------------------------------------------

@fault("/slow-first-byte", "TIMEOUT", 0, "accepts and says nothing", pauses=True)
async def slow_first_byte(conn, request):
    await asyncio.sleep(3600)


@fault("/slow-head", "TIMEOUT", 200, "one byte of a header field every 50 ms", pauses=True)
async def slow_head(conn, request):
    await conn.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await conn.send(b"y")
        await asyncio.sleep(0.05)


@fault("/drip", "TIMEOUT", 200, "one byte of the body every 50 ms", pauses=True)
async def drip(conn, request):
    await conn.send(head(length=100000))
    while True:
        await conn.send(b"y")
        await asyncio.sleep(0.05)


@fault("/stall", "TIMEOUT", 200, "stops in the middle of the body", pauses=True)
async def stall(conn, request):
    await conn.send(head(length=100000) + PAGE)
    await asyncio.sleep(3600)


@fault("/late", "OK", note="answers after a quarter of a second")
async def late(conn, request):
    await asyncio.sleep(0.25)
    await conn.send(whole())


# The server -----------------------------------------------------------------------------------------------------------

class _Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.open = reader, writer, True

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def close(self):
        self.open = False

    def reset(self):
        """RST instead of FIN: with a linger of zero seconds, what is not sent is thrown away."""
        self.writer.get_extra_info("socket").setsockopt(_SOL_SOCKET, _SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        self.open = False


_SOL_SOCKET, _SO_LINGER = 1, 13


class FaultSite:
    """port 0: an ephemeral one. certificate: a PEM file with key and chain makes it an https server. sock: one that listens already."""

    def __init__(self, port=0, host="127.0.0.1", certificate=None, sock=None):
        self.host, self.port = sock.getsockname()[:2] if sock else (host, port)
        self._sock = sock
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        self.connections = 0
        self.requests = []  # (monotonic time, Request)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def url(self, path="/"):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{path}"

    def hits(self, path):
        return sum(1 for _, request in self.requests if request.target.partition("?")[0] == path)

    def start(self):
        self._thread.start()
        if not self._started.wait(30):
            raise RuntimeError("the fault site does not start")
        return self

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        where = {"sock": self._sock} if self._sock else {"host": self.host, "port": self.port}
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, **where, ssl=self.tls, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        conn = _Connection(reader, writer)
        try:
            while conn.open:
                request = await self._read(reader)
                if not request:
                    break
                self.requests.append((time.monotonic(), request))
                found = FAULTS.get(request.target.partition("?")[0], FAULTS["/404"])
                await found.answer(conn, request)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError,
                ssl.SSLError):
            pass
        finally:
            if not writer.transport.is_closing():
                writer.close()

    @staticmethod
    async def _read(reader):
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        method, target, _ = lines[0].split(" ", 2)
        return Request(method, target, [tuple(line.split(": ", 1)) for line in lines[1:] if ": " in line])


def main(arguments):
    if arguments == ["--list"]:
        for path, f in FAULTS.items():
            print(path, f.code, f.status, *([f"({f.note})"] if f.note else []))
        return
    site = FaultSite(int(arguments[0]) if arguments else 0).start()
    print(site.url(""), flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        site.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
