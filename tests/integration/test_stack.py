"""The harness itself: what the other tests stand on."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from support.process import descendants
from support.site import Folder, Pages, Reply, Server, Synthetic, page
from support.stack import Failure, Port, Program, RunDir, new_log, parse_line, wait_until

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENV = {"PATH": "/usr/bin:/bin"}
DURABLE = {"x-queue-type": "quorum"}

# A program as the harness sees one: `how` says what it does once started.
STAND_IN = """#!/bin/bash
echo "2026-01-01T00:00:00.000Z info stand-in started how=$HOW"
case $HOW in
ready) echo >&$2; exec sleep 1000 ;;
mute) exec sleep 1000 ;;
fails) exit 100 ;;
child) sleep 1000 & echo >&$2; wait ;;
orphan) sleep 1000 & echo >&$2 ;;
esac
"""


@pytest.fixture
def stand_in(run_dir, tmp_path_factory):
    directory = run_dir.subdir("stand-in")
    path = os.path.join(directory, "stand-in")
    if not os.path.exists(path):
        with open(path, "w", encoding="ascii") as f:
            f.write(STAND_IN)
        os.chmod(path, 0o755)
    made = []

    def start(how):
        log = new_log(os.path.join(directory, f"{how}-{len(made)}.log"))
        made.append(Program(path, ENV | {"HOW": how}, log, directory))
        return made[-1]

    yield start
    for program in made:
        program.kill9()


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


# Processes, ports, directories ------------------------------------------------------------------------------------------

def test_ports_are_given_once():
    ports = [Port() for _ in range(50)]
    assert len({int(port) for port in ports}) == 50
    # Another process cannot take the lock either.
    code = (f"import socket; s = socket.socket(socket.AF_UNIX); s.bind('\\0gistmill-port-{ports[0]}')")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode != 0
    ports[0].release()
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_wait_until_says_what_it_waited_for():
    begin = time.monotonic()
    with pytest.raises(Failure, match="not within 0.3 s: the moon is full"):
        wait_until(lambda: False, 0.1, "the moon is full")
    assert time.monotonic() - begin >= 0.3
    assert wait_until(lambda: 7, 1) == 7


def test_run_dirs_of_the_dead_are_swept(tmp_path):
    os.chmod(tmp_path, 0o755)
    code = (f"import os, sys; sys.path.insert(0, {TESTS!r})\nfrom support.process import RunDir\n"
            f"print(RunDir({str(tmp_path)!r}, 'x-').path, flush=True); os.kill(os.getpid(), 9)")
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout.strip()
    assert os.path.isdir(dead)
    first = RunDir(str(tmp_path), "x-")
    second = RunDir(os.path.dirname(first.path), "x-")
    assert os.path.isdir(first.path) and os.path.isdir(second.path)
    # As root the directories are elsewhere if nobody may enter the temporary one; then the dead one is there, too.
    assert os.path.dirname(dead) == os.path.dirname(first.path) and not os.path.exists(dead)
    first.remove()
    second.remove()


def test_children_die_with_a_killed_parent(tmp_path):
    code = (f"import os, signal, sys; sys.path.insert(0, {TESTS!r})\nfrom support.process import Process\n"
            f"p = Process('sleep', ['sleep', '1000'], {ENV!r}, {str(tmp_path / 'log')!r})\n"
            "print(p.pid, flush=True); signal.pause()")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        # The shell in between has made way: from now on the kernel sees to it.
        wait_until(lambda: "sleep" in open(f"/proc/{pid}/comm", encoding="ascii").read(), 10, "sleep runs")
        parent.kill()
    wait_until(lambda: not runs(pid), 10, "the child is dead")


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_program_ready_and_log(stand_in):
    program = stand_in("ready").wait_ready(10)
    assert program.log_lines(event="started")[0]["how"] == "ready"
    assert program.rss() > 0
    assert program.terminate(10) == -signal.SIGTERM


def test_program_that_ends_or_says_nothing(stand_in):
    with pytest.raises(Failure, match="status 100"):
        stand_in("fails").wait_ready(10)
    with pytest.raises(Failure, match="not ready within 0.6 s"):
        stand_in("mute").wait_ready(0.2)


def test_kill9_leaves_no_grandchild(stand_in):
    program = stand_in("child").wait_ready(10)
    below = wait_until(lambda: descendants(program.pid), 10, "a grandchild")
    program.kill9()
    assert program.status() == -signal.SIGKILL
    assert not any(child.alive() for child in below)


def test_orphans_of_a_program_are_found(stand_in):
    program = stand_in("orphan").wait_ready(10)
    assert program.wait(10) == 0
    left = descendants(program.pid)
    assert len(left) == 1 and left[0].alive()
    program.kill9()
    assert not left[0].alive()


def test_log_lines_are_read_as_written():
    line = '2026-01-01T00:00:00.000Z warn parser outcome url="http://a/ b" reason="say \\"x\\"\\x0a" n=3'
    assert parse_line(line) == {"time": "2026-01-01T00:00:00.000Z", "level": "warn", "program": "parser",
                                "event": "outcome", "url": "http://a/ b", "reason": 'say "x"\n', "n": "3"}


# Services -------------------------------------------------------------------------------------------------------------

def test_broker_killed_keeps_its_messages(services):
    broker = services.broker
    with broker.channel() as channel:
        channel.queue_declare("kept", durable=True, arguments=DURABLE)
    broker.publish("kept", b"1", b"2", b"3")
    broker.restart(signal.SIGKILL)
    wait_until(lambda: broker.depth("kept") == 3, 20, "three messages are back")
    assert broker.get("kept")[1] == b"1"
    broker.delete("kept")
    assert broker.depths(["kept"]) == {"kept": None}


def test_broker_frozen_and_thawed(services):
    services.broker.process.freeze()
    with pytest.raises(OSError):
        with socket.create_connection(("127.0.0.1", int(services.broker.port)), timeout=0.5) as s:
            s.sendall(b"AMQP\0\0\x09\x01")
            s.recv(1)
    services.broker.process.thaw()
    services.broker.ready()


def test_database_killed_keeps_its_rows(services):
    database = services.database
    database.create("kept")
    database.query("kept", "create table t as select 42 as n")
    database.restart(signal.SIGKILL)
    assert database.query("kept", "select n from t")[0].n == 42
    database.restart(signal.SIGTERM)
    database.create("copy", "kept")
    assert database.query("copy", "select n + %s as n from t", 1)[0].n == 43
    for name in ("kept", "copy"):
        database.drop(name)


def test_services_answer_loopback_only(services):
    ports = {int(services.broker.port), int(services.database.port)}
    with open("/proc/net/tcp", encoding="ascii") as f:
        listening = [line.split()[1] for line in f.readlines()[1:] if line.split()[3] == "0A"]
    found = {int(address.split(":")[1], 16): address.split(":")[0] for address in listening}
    assert {port: found.get(port) for port in ports} == {port: "0100007F" for port in ports}
    if os.geteuid() == 0:
        for process in (services.broker.process, services.database.process):
            assert os.stat(f"/proc/{process.pid}").st_uid != 0


# Sites ----------------------------------------------------------------------------------------------------------------

def test_site_of_pages_and_faults():
    site = Pages({"/": page("Home", links=["/a?b=1"]), "/a?b=1": Reply("x", status=503, headers={"Retry-After": "3"}),
                  "/cut": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), "/reset": Reply(reset=True),
                  "/slow": Reply("late", after=0.2)})
    with Server(site, robots="User-agent: *\nDisallow: /x\n") as server:
        assert b"<h1>Home</h1>" in get(server.url())
        assert get(server.url("/robots.txt")).startswith(b"User-agent")
        for path, error in (("/a?b=1", "503"), ("/cut", "IncompleteRead"), ("/reset", "reset"), ("/none", "404")):
            with pytest.raises(Exception, match=error):
                get(server.url(path))
        begin = time.monotonic()
        assert get(server.url("/slow")) == b"late" and time.monotonic() - begin >= 0.2
        get(server.url())
        assert server.twice() == {("127.0.0.1", "/"): 2}
        assert [hit.status for hit in server.hits("/none")] == [404]
        assert len(server.gaps()) == len(server.log) - 1


def test_site_hosts_and_folder(tmp_path):
    (tmp_path / "index.html").write_text("index", encoding="ascii")
    with Server({"a.localhost": Pages({"/": "a"}), None: Folder(tmp_path)}) as server:
        request = urllib.request.Request(server.url("/"), headers={"Host": f"a.localhost:{server.port}"})
        assert get(request) == b"a"
        assert get(server.url("/")) == b"index"
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/none"):
            with pytest.raises(Exception, match="404"):
                get(server.url(path))
        assert len(server.hits(host="a.localhost")) == 1


def test_site_that_fails_tells():
    with pytest.raises(AssertionError, match="no such thing"):
        with Server(Pages({"/": lambda request: {}["no such thing"]})) as server:
            with pytest.raises(Exception, match="500"):
                get(server.url())


def test_synthetic_site_is_the_same_each_time():
    first, second = Synthetic(500, 20), Synthetic(500, 20)
    with Server(first) as server:
        assert get(server.url("/77")) == second(type("R", (), {"path": "/77"})) != get(server.url("/78"))
    assert all(len(first.targets(n)) == 20 for n in range(500))
    assert sum(first.depths().values()) == 500
