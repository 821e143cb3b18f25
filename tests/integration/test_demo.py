"""deploy/demo.py, the part of `make demo` after installing and building: what it shows, and that it leaves nothing."""

import json
import os
import re
import select
import signal
import subprocess
import sys

import pytest

from support.site import page
from support.stack import wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MANUAL = "/usr/share/doc/postgresql-doc-15/html"


@pytest.fixture
def demo(run_dir):
    """Starts a demo; ended ones are checked for what they leave."""
    started = []

    def start(**env):
        env = {key: os.environ[key] for key in ("PATH", "HOME", "GM_BUILD") if key in os.environ} | {
            "GM_RUN": run_dir.subdir("demo"), "PYTHONDONTWRITEBYTECODE": "1"} | env
        started.append(subprocess.Popen([sys.executable, "deploy/demo.py"], cwd=TOP, env=env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def folder(tmp_path):
    """Twelve pages, each linking to the next; one link leads nowhere."""
    for n in range(12):
        name = tmp_path / ("index.html" if n == 0 else f"{n}.html")
        name.write_bytes(page(f"Page {n}", links=[f"{n + 1}.html"]))
    return str(tmp_path)


def end(process, status):
    """What it printed, once it has ended with that status. Nothing that it started lives."""
    output = rest(process)
    assert process.returncode == status, output
    where = re.search(r"in (/\S+), on 127\.0\.0\.1 only", output)[1]
    wait_until(lambda: not processes_in(where), 10, lambda: f"still there: {processes_in(where)}")
    assert not os.path.exists(where)
    return output


def processes_in(directory):
    found = []
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and os.readlink(f"/proc/{pid}/cwd").startswith(directory):
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
                    found.append(f.read().replace("\0", " ") or f"zombie {pid}")
        except OSError:
            pass
    return found


def wait_for(process, words):
    """Reads what it prints until the words come."""
    output = b""
    while words.encode() not in output:
        assert select.select([process.stdout], [], [], 60)[0], f"no {words!r} within 60 s:\n{output.decode()}"
        piece = os.read(process.stdout.fileno(), 65536)
        assert piece, output.decode()
        output += piece
    return output.decode()


def rest(process):
    """What it prints until it ends."""
    return process.communicate(timeout=300)[0].decode()


def test_two_demos_at_once(demo, folder, run_dir):
    manual, small = demo(GM_MANUAL=MANUAL), demo(SITE=folder, DEPTH="30")
    output = end(small, 0)
    assert re.search(r"^  admitted +13$", output, re.M), output
    assert re.search(r"^  stored +12 ", output, re.M), output
    assert re.search(r"^  error +HTTP_4XX +1 ", output, re.M), output
    assert re.search(r"^  sum +13  adds up", output, re.M), output
    output = end(manual, 0)
    files = len([name for name in os.listdir(MANUAL) if name.endswith(".html")])
    assert re.search(rf"^  admitted +{files}$", output, re.M), output
    assert re.search(rf"^  HTML files in the package +{files}  all of them$", output, re.M), output
    assert f"by depth   0: 1, 1: 111, 2: {files - 112}\n" in output
    assert "three of the summaries" in output
    with open(os.path.join(run_dir.path, "demo", "last-demo.jsonl"), encoding="utf-8") as f:
        pages = [json.loads(line) for line in f]
    assert len(pages) == files and sum("summary" in page for page in pages) > 1000


def test_folder_without_index(demo, tmp_path):
    (tmp_path / "below").mkdir()
    for name in ("a.html", "below/b.htm"):
        (tmp_path / name).write_bytes(page(name))
    assert re.search(r"^  stored +2 ", end(demo(SITE=str(tmp_path)), 0), re.M)


@pytest.mark.parametrize("moment", ["starting a private", "crawling"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(demo, moment, number):
    process = demo(GM_MANUAL=MANUAL)
    head = wait_for(process, moment)
    process.send_signal(number)
    output = rest(process)
    assert process.returncode == 128 + number, output
    assert "stopping" in output
    where = re.search(r"in (/\S+), on 127\.0\.0\.1 only", head)[1]
    wait_until(lambda: not processes_in(where), 10, lambda: f"still there: {processes_in(where)}")
    assert not os.path.exists(where)


def test_killed(demo):
    process = demo(GM_MANUAL=MANUAL)
    where = re.search(r"in (/\S+), on 127\.0\.0\.1 only", wait_for(process, "crawling"))[1]
    process.kill()
    wait_until(lambda: not processes_in(where), 20, lambda: f"still there: {processes_in(where)}")


def test_kept(demo, folder):
    process = demo(SITE=folder, DEPTH="1", KEEP="1")
    output = wait_for(process, "logs: ")
    http = re.search(r"RABBITMQ_HTTP='(\S+)'", output)[1]
    database = re.search(r"DATABASE_URL='(\S+)'", output)[1]
    done = subprocess.run(["deploy/enqueue", "http://nonsense..:x/"], cwd=TOP, env={"PATH": "/usr/bin:/bin", "RABBITMQ_HTTP": http},
                          capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    query = ["psql", "-Atc", "select count(*) from bad_request", database]
    wait_until(lambda: subprocess.run(query, capture_output=True, text=True, timeout=180, check=True).stdout == "1\n", 30,
               "the writer has answered what was enqueued")
    process.send_signal(signal.SIGINT)
    assert "stopping" in rest(process) and process.returncode == 0


@pytest.mark.parametrize("env, words", [({"SITE": "/nope"}, "no such folder"), ({"SITE": "/proc/self/fd"}, "no HTML files"),
                                         ({"URL": "x"}, "must begin with http"),
                                        ({"URL": "http://a/", "SITE": "/"}, "not both"),
                                        ({"GM_MANUAL": MANUAL, "DEPTH": "-1"}, "whole number"),
                                        ({"URL": "http://a b/"}, "http://a b/: ")])
def test_misuse(demo, env, words):
    process = demo(**env)
    assert words in rest(process)
    assert process.returncode == 100
