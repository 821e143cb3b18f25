"""The model's client against a server that is not ours: the npm package @dwmkerr/mock-llm, which needs Node.

deploy/install-deps check sees to Node and npm, so they are there in `make check`; without them there is no test here. The package is fetched
once, by npm as it is configured, into .run/npm.
"""

import json
import os
import shutil
import subprocess
import urllib.request

import pytest

from support import npm
from support.program import build_dir
from support.stack import Port, Process, new_log, tail, wait_until

PACKAGE = ("@dwmkerr/mock-llm", "0.1.29")
PROGRAM = "node_modules/@dwmkerr/mock-llm/dist/main.js"
TEXT = ("The city opened a new tram line on Monday. It joins the harbour and the university in twelve minutes. Trams run every ten minutes "
        "until midnight. The council paid forty million for it. Critics say that buses would have been cheaper.")
GOOD = "The city has a new tram line between harbour and university, paid for by the council."


def completion(content, finish="stop", **more):
    return {"status": 200, "content": json.dumps({
        "id": "chatcmpl-{{timestamp}}", "object": "chat.completion", "model": "m",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **more}}],
        "usage": {"prompt_tokens": 321, "completion_tokens": 17, "prompt_tokens_details": {"cached_tokens": 256}}})}


def refusal(status, message):
    return {"status": status, "content": json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": None}})}


def rules(*responses):
    """The first response to the first request, and so on; the last one to all others."""
    path = "/v1/chat/completions"
    return {"rules": [{"path": path, "match": "@", "response": responses[-1]}] + [
        {"path": path, "match": "@", "sequence": number, "response": response} for number, response in enumerate(responses[:-1])]}


def call(url, method, value=None):
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


if npm.there():
    @pytest.fixture(scope="module")
    def mock(run_dir):
        """Its address; what it says is asked for by rules."""
        copy = os.path.join(run_dir.subdir("mock-llm"), "package")  # whoever runs it may read it
        shutil.copytree(npm.package(*PACKAGE), copy, symlinks=True)
        port = Port()
        log = new_log(os.path.join(run_dir.subdir("mock-llm"), "log"))
        env = {"PATH": os.environ["PATH"], "HOME": run_dir.subdir("mock-llm"), "HOST": "127.0.0.1", "PORT": str(int(port))}
        process = Process("mock-llm", ["node", os.path.join(copy, PROGRAM)], env, log)
        url = f"http://127.0.0.1:{int(port)}"

        def ready():
            try:
                return call(url + "/ready", "GET")
            except OSError:
                assert process.alive(), tail(log)
                return None
        wait_until(ready, 30, lambda: f"mock-llm is ready: {tail(log)}")
        yield url
        process.kill9()

    @pytest.mark.parametrize("responses, wanted", [
        ([completion(GOOD)], {"engine": "llm", "summary": GOOD, "tokens_in": 321, "tokens_out": 17}),
        ([completion("<think>Hm.</think>" + GOOD)], {"engine": "llm", "summary": GOOD}),
        ([completion(GOOD + " And then it", "length")], {"engine": "llm", "summary": GOOD}),
        ([refusal(500, "oops"), completion(GOOD)], {"engine": "llm", "summary": GOOD}),
        ([refusal(429, "slow down"), completion(GOOD)], {"engine": "llm", "summary": GOOD}),
        ([completion(""), completion(GOOD)], {"engine": "llm", "tokens_in": 642}),
        ([completion("# Trams\n- one\n- two"), completion(GOOD)], {"engine": "llm", "summary": GOOD}),
        ([refusal(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."), completion(GOOD)], {"engine": "llm"}),
        ([refusal(401, "Incorrect API key provided.")], {"engine": "extractive", "reason": "MODEL_UNAVAILABLE"}),
        ([refusal(404, "no such model")], {"engine": "extractive", "reason": "MODEL_UNAVAILABLE"}),
        ([refusal(400, "context length exceeded")], {"engine": "extractive", "reason": "MODEL_REFUSED"}),
        ([completion("I'm sorry, but I can't help with that.")], {"engine": "extractive", "reason": "MODEL_REFUSED"}),
        ([completion("", refusal="I can't help with that.")], {"engine": "extractive", "reason": "MODEL_REFUSED"}),
        ([completion("word " * 5000)], {"engine": "extractive", "reason": "MODEL_BAD_ANSWER"}),
        ([completion("Die Stadt hat eine neue Straßenbahn, die den Hafen mit der Universität verbindet und alle zehn Minuten fährt.")],
         {"engine": "extractive", "reason": "MODEL_BAD_ANSWER"}),
        ([{"status": 200, "content": '{"object": "list", "data": []}'}], {"engine": "extractive", "reason": "MODEL_BAD_ANSWER"}),
    ], ids=range(16))
    def test_answers(mock, responses, wanted):
        found, errors = ask(mock, responses)
        assert {key: found.get(key) for key in wanted} == wanted, (found, errors)

    NO_SCHEMA = refusal(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.")
    NO_OBJECT = refusal(400, "response_format is not supported")
    OBJECT = '{"summary": "' + GOOD + '", "points": ["A tram.", "Forty million."]}'

    @pytest.mark.parametrize("style, responses, summary", [
        ("bullets", [completion("* A tram.\n* Forty million.")], "- A tram.\n- Forty million."),
        ("json", [completion(OBJECT)], json.dumps(json.loads(OBJECT), separators=(",", ":"))),
        ("json", [NO_SCHEMA, completion(OBJECT)], json.dumps(json.loads(OBJECT), separators=(",", ":"))),
        ("json", [NO_SCHEMA, NO_OBJECT, completion(GOOD)], json.dumps({"summary": GOOD, "points": []}, separators=(",", ":"))),
    ], ids=range(4))
    def test_styles(mock, style, responses, summary):
        found, errors = ask(mock, responses, SUMMARY_STYLE=style)
        assert (found["engine"], found["summary"]) == ("llm", summary), (found, errors)

    def ask(mock, responses, **more):
        """What --once says, given these responses one after the other."""
        call(mock + "/config", "DELETE")
        call(mock + "/config", "POST", rules(*responses))
        env = {"PATH": os.environ["PATH"], "LOG_LEVEL": "info", "OPENAI_BASE_URL": mock, "SUMMARY_MODEL": "m", "OPENAI_API_KEY": "sk-test"} | more
        done = subprocess.run([os.path.join(build_dir(), "summarizer"), "--once", "--lang", "en"], input=TEXT.encode(), env=env, capture_output=True,
                              timeout=90, check=True)
        return json.loads(done.stdout), done.stderr
