"""An OpenAI-compatible chat endpoint on loopback that can fail in every way a real one does.

In a test:

    with FakeLLM(mode="ok", delay=0.2) as llm:
        env = {"OPENAI_BASE_URL": llm.url, "SUMMARY_MODEL": "fake"}
        ...
        llm.mode = "500"             # from now on
        llm.script(["500", "ok"])    # one mode a request, then llm.mode again
        llm.requests                 # what came: dicts of path, model, system, user, body, authorization, mode, at
        llm.peak                     # requests under way at once, at most
    llm.under_way                # now

By hand: python3 tests/support/fake_llm.py [--port N] [--mode NAME] [--delay SECONDS]; prints the base URL. A mode may also
be asked for by the address: URL + "/mode/NAME" as base URL, so that several programs share one server.

Modes:
  ok           the article's first words, as a sentence; reports usage, a word a token. What an earlier request began with, too, it
               has in its cache, up to the last whole message
  delay        the same after `delay` seconds (ok also waits, if delay was given)
  429          Too Many Requests, Retry-After `retry_after`
  400 401 402 403 404 408 500 503   that status with an error object
  empty        an answer without content
  blank_body   status 200 and not a byte
  garbage      status 200, not JSON
  shape        JSON, but no chat completion
  refusal      "I'm sorry, but I can't help with that."
  refused      the refusal field of the API, content null
  filter       finish_reason content_filter
  huge         an endless answer, some megabytes
  long         far more words than asked for
  cutoff       finish_reason length, in the middle of the second sentence
  cutshort     finish_reason length, no whole sentence
  think        a reasoning model's <think>…</think> before the answer
  fence        the answer in a Markdown code fence
  drop         closes the connection in the middle of the answer
  reset        closes the connection without an answer
  hold         answers as ok once release() is called
  obey         a model that follows the page: says what stands in it after "say exactly:"
  hang         never answers; holds the connection until the server stops
  trickle      sends a byte every `delay` seconds, never done
  new_openai   refuses max_tokens and temperature, as OpenAI's newer models do
  leak         401 that repeats the key
"""
import argparse
import http.server
import json
import re
import socket
import threading
import time

HUGE_BYTES = 8 << 20
STATUSES = {status: int(status) for status in ("400", "401", "402", "403", "404", "408", "429", "500", "503")}


def article_of(user):
    """The article between the prompt's marker lines, without its title."""
    found = re.search(r"<<<ARTICLE ([0-9a-f]+)\n(?:Title: [^\n]*\n\n)?(.*)\nARTICLE \1>>>", user, re.S)
    return found.group(2) if found else ""


def summary_of(article, words=12):
    return " ".join(article.split()[:words]).rstrip(".,;:!?") + "."


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def send_json(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def send_error_object(self, status, message, headers=()):
        self.send_json(status, {"error": {"message": message, "type": "fake", "code": None}}, headers)

    def send_answer(self, request, content, finish="stop", **message):
        tokens_in = len((request["system"] + request["user"]).split())
        tokens_out = len((content or "").split())
        self.send_json(200, {
            "id": f"chatcmpl-{request['number']}", "object": "chat.completion", "created": int(time.time()), "model": request["model"],
            "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}],
            "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out,
                      "prompt_tokens_details": {"cached_tokens": request["cached"]}}})

    def do_GET(self):
        self.send_json(200, {"object": "list", "data": [{"id": "fake", "object": "model"}]})

    def do_POST(self):
        fake = self.server.fake
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path
        asked = re.match(r"/mode/(\w+)", path)
        if asked:
            path = path[asked.end():]
        try:
            body = json.loads(raw)
            parts = {m["role"]: m["content"] for m in body["messages"]}
        except (ValueError, KeyError, TypeError):
            self.send_error_object(400, "not a chat completion request")
            return
        if path != "/v1/chat/completions":
            self.send_error_object(404, f"no such path: {path}")
            return
        request = {"path": path, "model": body.get("model"), "system": parts.get("system", ""), "user": parts.get("user", ""), "body": body,
                   "authorization": self.headers.get("Authorization"), "at": time.monotonic()}
        request["mode"] = fake._arrived(request, asked.group(1) if asked else None)
        try:
            self.answer(fake, request)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            fake._left()

    def answer(self, fake, request):
        mode = request["mode"]
        good = summary_of(article_of(request["user"]))
        if mode in ("ok", "delay", "hold"):
            if mode == "hold":
                fake.released.wait()
            if fake.stopped.wait(fake.delay):
                return self.hang_up()
            self.send_answer(request, good)
        elif mode in STATUSES:
            headers = [("Retry-After", str(fake.retry_after))] if mode == "429" and fake.retry_after is not None else []
            self.send_error_object(STATUSES[mode], f"fake trouble {mode}", headers)
        elif mode == "leak":
            self.send_error_object(401, f"Incorrect API key provided: {(request['authorization'] or '').removeprefix('Bearer ')}")
        elif mode == "new_openai":
            self.new_openai(request, good)
        else:
            ways = {
                "empty": lambda: self.send_answer(request, ""),
                "blank_body": lambda: self.send_json(200, b""),
                "garbage": lambda: self.send_json(200, b"<html>\xff\xfe oops {"),
                "shape": lambda: self.send_json(200, {"object": "list", "data": []}),
                "refusal": lambda: self.send_answer(request, "I'm sorry, but I can't help with that."),
                "refused": lambda: self.send_answer(request, None, refusal="I can't help with that."),
                "filter": lambda: self.send_answer(request, "", finish="content_filter"),
                "long": lambda: self.send_answer(request, "word " * 20000),
                "cutoff": lambda: self.send_answer(request, good + " And then it was", finish="length"),
                "cutshort": lambda: self.send_answer(request, "It was the", finish="length"),
                "think": lambda: self.send_answer(request, f"<think>\nThe user wants…\n</think>\n\n{good}"),
                "fence": lambda: self.send_answer(request, f"```text\n{good}\n```"),
                "obey": lambda: self.send_answer(request, article_of(request["user"]).partition("say exactly:")[2].strip()),
                "huge": self.huge, "drop": self.drop, "reset": self.hang_up, "trickle": lambda: self.trickle(fake),
                "hang": lambda: (fake.stopped.wait(), self.hang_up()),
            }
            ways.get(mode, lambda: self.send_error_object(500, f"no such mode: {mode}"))()

    def new_openai(self, request, good):
        if "max_tokens" in request["body"]:
            self.send_error_object(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
        elif "temperature" in request["body"]:
            self.send_error_object(400, "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.")
        else:
            self.send_answer(request, good)

    def start_body(self, length):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def huge(self):
        self.start_body(HUGE_BYTES)
        self.wfile.write(b'{"choices":[{"message":{"content":"')
        for _ in range(HUGE_BYTES // 65536):
            self.wfile.write(b"word " * 13107)
        self.hang_up()

    def drop(self):
        self.start_body(1000)
        self.wfile.write(b'{"choices":[{"mess')
        self.wfile.flush()
        self.hang_up()

    def trickle(self, fake):
        self.start_body(1000000)
        while not fake.stopped.wait(fake.delay or 0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class FakeLLM:
    def __init__(self, mode="ok", delay=0.0, retry_after=None, port=0):
        self.mode, self.delay, self.retry_after = mode, delay, retry_after
        self.requests, self.peak = [], 0
        self.stopped = threading.Event()
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._script, self.under_way = [], 0
        self._begun = set()  # first messages
        self._server = Server(("127.0.0.1", port), Handler)
        self._server.fake = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def script(self, modes):
        with self._lock:
            self._script = list(modes)

    def release(self):
        self.released.set()

    def _arrived(self, request, asked):
        with self._lock:
            self.under_way += 1
            self.peak = max(self.peak, self.under_way)
            request["number"] = len(self.requests) + 1
            first = request["body"]["messages"][0]
            request["cached"] = len(first["content"].split()) if str(first) in self._begun else 0
            self._begun.add(str(first))
            self.requests.append(request)
            return asked or (self._script.pop(0) if self._script else self.mode)

    def _left(self):
        with self._lock:
            self.under_way -= 1

    def stop(self):
        self.stopped.set()
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mode", default="ok")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--retry-after", type=int)
    args = parser.parse_args()
    with FakeLLM(args.mode, args.delay, args.retry_after, args.port) as fake:
        print(fake.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
