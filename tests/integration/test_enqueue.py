"""deploy/enqueue against a real broker with the management plugin, by each way there is here."""

import json
import os
import subprocess

import pytest

from support.stack import Broker, Port

ENQUEUE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "deploy", "enqueue")
WAYS = ("curl", "rabbitmqadmin")

# The command line of rabbitmqadmin 2.x, which Debian 12 does not have: it answers with the flag of the HTTP API.
SECOND = """#!/bin/sh
case "$*" in
--version) echo "rabbitmqadmin 2.29.0" ;;
"--host 127.0.0.1 --port 15672 --username guest --password guest --vhost / publish message --routing-key seed"*) echo $ANSWER ;;
*) echo "unexpected: $*"; exit 2 ;;
esac
"""


@pytest.fixture(scope="module")
def broker(run_dir):
    made = Broker(run_dir.subdir("rabbitmq-http"), management=True)
    made.start().ready()
    yield made
    made.close()


@pytest.fixture
def queue(broker):
    """An empty queue `seed`; a function that takes its messages."""
    with broker.channel() as channel:
        channel.queue_declare("seed", durable=True, arguments={"x-queue-type": "quorum", "x-max-length": 20,
                                                               "x-overflow": "reject-publish"})

    ids = set()

    def take():
        found = []
        while (message := broker.get("seed")) is not None:
            assert message[0].delivery_mode == 2
            assert message[0].message_id not in ids and len(message[0].message_id) == 32
            ids.add(message[0].message_id)
            found.append(message[1].decode())
        return found

    yield take
    broker.delete("seed")


def enqueue(broker, *arguments, way="curl", stdin="", **env):
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "RABBITMQ_HTTP": broker.http_url if broker else "",
           "ENQUEUE_BY": way} | env
    return subprocess.run([ENQUEUE, *arguments], input=stdin, env=env, capture_output=True, text=True, timeout=180,
                          check=False)


def test_express(broker, queue):
    """Beside the backlog, or not at all."""
    done = enqueue(broker, "--express", "http://a/1")
    assert done.returncode == 1 and "no queue seed.express" in done.stderr
    with broker.channel() as channel:
        channel.queue_declare("seed.express", durable=True, arguments={"x-queue-type": "quorum"})
    done = enqueue(broker, "--express", "--depth", "1", "http://a/1")
    assert done.returncode == 0, done.stderr
    assert json.loads(broker.get("seed.express")[1]) == {"url": "http://a/1", "depth": 1}
    broker.delete("seed.express")
    assert queue() == []


@pytest.mark.parametrize("way", WAYS)
def test_urls_travel_together(broker, queue, way):
    done = enqueue(broker, "http://a/1?b=\"c\"&d=\\e", "http://a/ä", way=way)
    assert done.returncode == 0, done.stderr
    assert queue() == ["http://a/1?b=\"c\"&d=\\e\nhttp://a/ä"]
    assert done.stderr == f"enqueue: 2 enqueued in seed, by {way}\n"


@pytest.mark.parametrize("way", WAYS)
def test_crawls_are_json(broker, queue, way):
    done = enqueue(broker, "--depth", "2", "--limit", "010", "--scope", "domain", "http://a/\"x\"", "http://b/", way=way)
    assert done.returncode == 0, done.stderr
    assert [json.loads(body) for body in queue()] == [
        {"url": url, "depth": 2, "limit": 10, "scope": "domain"} for url in ("http://a/\"x\"", "http://b/")]


def test_options_become_fields(broker, queue):
    done = enqueue(broker, "--prefix", "/a b", "--include", "^/\\d\"x", "--include", "b", "--exclude", "[.]pdf$", "--match", "url",
                   "--preset", "wiki", "--per-host", "020", "--no-guards", "http://a/?p=[1-3]")
    assert done.returncode == 0, done.stderr
    assert [json.loads(body) for body in queue()] == [
        {"url": "http://a/?p=[1-3]", "prefix": "/a b", "include": ["^/\\d\"x", "b"], "exclude": ["[.]pdf$"], "match": "url",
         "preset": "wiki", "per_host": 20, "guards": False}]


def test_files(broker, queue, tmp_path):
    """Lists and single URLs may be mixed."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("http://a/1\n#\nhttp://a/2\n", encoding="ascii")
    second.write_text("http://b/1", encoding="ascii")
    done = enqueue(broker, str(first), "http://c/1", str(second))
    assert done.returncode == 0, done.stderr
    assert "\n".join(queue()).split("\n") == ["http://a/1", "http://a/2", "http://c/1", "http://b/1"]
    assert done.stderr == "enqueue: 4 enqueued in seed, by curl\n"
    assert enqueue(broker, str(first), "--depth", "1").returncode == 0
    assert [json.loads(body)["url"] for body in queue()] == ["http://a/1", "http://a/2"]
    first.write_bytes(b"http://a/1\nhttp://a/\x01\n")
    assert enqueue(broker, str(first)).returncode == 100
    assert queue() == []


def test_memory_of_a_long_list(tmp_path):
    """Twenty times the list, the same memory. The broker is one that takes everything."""
    (tmp_path / "curl").write_text("#!/bin/sh\ncat >/dev/null\nprintf '{\"routed\":true}\\n200'\n", encoding="ascii")
    (tmp_path / "curl").chmod(0o755)
    peaks = []
    for lines in (1000, 20_000):
        (tmp_path / "list").write_text("".join(f"http://a.test/some/longer/path/{n}\n" for n in range(lines)), encoding="ascii")
        env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LANG": "C.UTF-8", "ENQUEUE_BY": "curl"}
        with subprocess.Popen([ENQUEUE, str(tmp_path / "list")], env=env, stderr=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < 1.5 * peaks[0], peaks


@pytest.mark.parametrize("arguments, wish", [
    (("--ignore-noindex",), {"ignoreNoindex": True}),
    (("--ignore-nofollow", "--depth", "1", "--ignore-nofollow"), {"depth": 1, "ignoreNofollow": True}),
    (("--sitemap", "only", "--feeds"), {"sitemap": "only", "feeds": True}),
    (("--ignore-noindex", "--ignore-nofollow", "--ignore-noindex"), {"ignoreNoindex": True, "ignoreNofollow": True}),
])
def test_switches(broker, queue, arguments, wish):
    done = enqueue(broker, *arguments, "http://a/", "http://b/")
    assert done.returncode == 0, done.stderr
    assert [json.loads(body) for body in queue()] == [{"url": "http://a/", **wish}, {"url": "http://b/", **wish}]


def test_standard_input(broker, queue):
    done = enqueue(broker, "-", stdin="# a list\nhttp://a/1\r\n\nhttp://a/2")
    assert done.returncode == 0, done.stderr
    assert queue() == ["http://a/1\nhttp://a/2"]
    done = enqueue(broker, "-", stdin="".join(f"http://a/{n}\n" for n in range(2500)))
    assert done.returncode == 0, done.stderr
    assert [body.count("http") for body in queue()] == [1000, 1000, 500]
    assert enqueue(broker, "-", way="").stderr == "enqueue: 0 enqueued in seed\n"


@pytest.mark.parametrize("way", WAYS)
def test_not_routed_is_a_failure(broker, way):
    done = enqueue(broker, "http://a/", way=way)
    assert done.returncode == 1 and "no queue seed" in done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_a_full_queue_is_a_failure(broker, queue, way):
    broker.publish("seed", *[b"x"] * 20)
    results = [enqueue(broker, "http://a/", way=way) for _ in range(2)]  # one more than its bound may get in
    assert results[-1].returncode == 1 and "rejected" in results[-1].stderr


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_password_is_a_failure(broker, queue, way):
    done = enqueue(broker, "http://a/", way=way, RABBITMQ_HTTP=broker.http_url.replace("guest@", "x@"))
    assert done.returncode == 1 and queue() == []


def test_no_broker(broker):
    port = Port()
    done = enqueue(broker, "http://a/", way="", RABBITMQ_HTTP=f"http://guest:guest@127.0.0.1:{port}")
    assert done.returncode == 111
    assert "curl:" in done.stderr and "rabbitmqadmin:" in done.stderr
    port.release()


def test_prefix_and_vhost(broker):
    with broker.channel() as channel:
        channel.queue_declare("x.seed", durable=True)
    assert enqueue(broker, "http://a/", AMQP_PREFIX="x.", RABBITMQ_VHOST="/").returncode == 0
    assert broker.get("x.seed")[1] == b"http://a/"
    broker.delete("x.seed")


@pytest.mark.parametrize("answer, status", [("true", 0), ("false", 1), ("| routed | true |", 0), ("nonsense", 1)])
def test_second_rabbitmqadmin(tmp_path, answer, status):
    (tmp_path / "rabbitmqadmin").write_text(SECOND, encoding="ascii")
    (tmp_path / "rabbitmqadmin").chmod(0o755)
    done = enqueue(None, "http://a/", way="rabbitmqadmin", RABBITMQ_HTTP="http://127.0.0.1:15672", ANSWER=answer,
                   PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == status, done.stderr


# `docker compose exec` without a container: the script runs here, and its rabbitmqadmin asks our broker.
DOCKER = """#!/bin/sh
[ "$1 $2 $3 $4 $6 $8 $9" = "compose exec -T -e -e rabbitmq sh" ] || { echo "unexpected: $*"; exit 2; }
export "$5" "$7"
shift 9
exec sh "$@"
"""
ADMIN = """#!/bin/sh
[ "$1" = --version ] && exec /usr/bin/rabbitmqadmin --version
exec /usr/bin/rabbitmqadmin -P {port} "$@"
"""


@pytest.mark.parametrize("password, status", [("", 0), ("wrong", 1)])
def test_compose(broker, queue, tmp_path, password, status):
    for name, text in (("docker", DOCKER), ("rabbitmqadmin", ADMIN.format(port=broker.http_port))):
        (tmp_path / name).write_text(text, encoding="ascii")
        (tmp_path / name).chmod(0o755)
    done = enqueue(broker, "--depth", "1", "http://a/'x'", way="compose", RABBITMQ_DEFAULT_PASS=password,
                   PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == status, done.stderr
    assert queue() == ([] if status else ["{\"url\":\"http://a/'x'\",\"depth\":1}"])


@pytest.mark.parametrize("arguments", [(), ("--depth",), ("--depth", "x", "http://a/"), ("--scope", "moon", "http://a/"),
                                       ("--what", "http://a/"), ("http://a/\nb",), ("no-such-file",), ("--include",),
                                       ("--preset", "blog", "http://a/"), ("--prefix", "x", "http://a/")])
def test_misuse(broker, arguments):
    assert enqueue(broker, *arguments).returncode == 100
