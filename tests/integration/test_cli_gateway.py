"""gistmill, the gateway, and the whole line behind it."""

import json
import os
import subprocess

import pytest

from support.fake_llm import FakeLLM
from support.gateway import Gateway
from support.program import build_dir
from support.site import Pages, Reply, Server, Synthetic, page
from support.stack import base_env, wait_until

GISTMILL = os.path.join(build_dir(), "gistmill")
EVIL = "\x1b[31mred\x1b[0m \u202egnp.exe \x9b2J end"


@pytest.fixture
def line(stack):
    stack.start_all()
    return stack, Gateway(stack)


def run(gateway, *arguments, status=0, stdin="", **env):
    done = subprocess.run([GISTMILL, *arguments], input=stdin, env=base_env("/") | {"GISTMILL_URL": gateway.url("")} | env, capture_output=True, text=True,
                          timeout=270, check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def test_from_crawl_to_delete(line):
    stack, gateway = line
    with Server(Synthetic(30, 6)) as site:
        told = objects(run(gateway, "crawl", site.url("/0"), "--depth", "4", "--limit", "100", "--watch", "--json"))
        assert told[-1]["event"] == "done" and told[-1]["data"]["counts"]["stored"] == 30
        crawl = told[-1]["data"]["number"]
        assert run(gateway, "watch", crawl).startswith("completed in ") and "30 stored" in run(gateway, "wait", crawl, "--strict")
        assert crawl in run(gateway, "status") and "30 stored" in run(gateway, "status", crawl)
        pages = objects(run(gateway, "pages", crawl, "--all", "--json"))
        assert len(pages) == 30 and run(gateway, "pages", crawl, "--state", "error") == ""
        assert pages[0]["url"] in run(gateway, "pages", crawl, "--q", pages[0]["url"])
        shown = run(gateway, "show", pages[0]["id"], "--article")
        assert shown == run(gateway, "show", pages[0]["url"], "--article") and "Summary" in shown and "Article" in shown and "fetched +" in shown
        assert run(gateway, "show", pages[0]["id"], "--markdown").strip()
        run(gateway, "summary", pages[0]["url"])
        wait_until(lambda: "page" in run(gateway, "search", "surveyor", "--limit", "3"), 30, "it is found")
        assert "\x02" not in run(gateway, "search", "surveyor")
        assert len(objects(run(gateway, "export", crawl))) == 30
        assert run(gateway, "export", crawl, "--format", "md").startswith("#")
        run(gateway, "recrawl", crawl)
        run(gateway, "wait", crawl, "--timeout", "60s")
        assert "30 unchanged" in run(gateway, "status", crawl)
    run(gateway, "delete", crawl, "--yes")
    run(gateway, "status", crawl, status=4)
    run(gateway, "show", "999999", status=4)
    assert stack.books() == []


def test_steering(make_stack):
    stack = make_stack(ATTEMPTS="1")
    stack.start("writer")
    stack.start("parser")
    stack.start("summarizer")
    gateway = Gateway(stack)
    pages = {"/": page("Root", ["/a", "/b", "/c"]), "/a": Reply(status=503), "/b": page("B"), "/c": Reply(status=404)}
    with Server(Pages(pages)) as site:
        crawl = run(gateway, "crawl", site.url("/"), "--depth", "1").strip()
        run(gateway, "wait", crawl, "--timeout", "300ms", status=124)
        assert "paused" in run(gateway, "pause", crawl) and "paused" in run(gateway, "status", crawl)
        run(gateway, "resume", crawl)
        stack.start("fetcher")
        run(gateway, "wait", crawl, "--timeout", "90s")
        run(gateway, "wait", crawl, "--strict", status=1)
        assert {row["code"] for row in objects(run(gateway, "pages", crawl, "--state", "error", "--json"))} == {"HTTP_5XX", "HTTP_4XX"}
        pages["/c"] = page("C")
        assert run(gateway, "retry", crawl, "--code", "HTTP_4XX").endswith(": 1 page is tried again\n")
        run(gateway, "wait", crawl)
        assert "3 stored" in run(gateway, "status", crawl)
        run(gateway, "cancel", crawl, status=1)  # it has ended


def test_single_pages(line, tmp_path):
    stack, gateway = line
    with Server(Synthetic(40, 2)) as site:
        (tmp_path / "list").write_text("\n".join(site.url(f"/{n}") for n in range(30)), encoding="ascii")
        assert run(gateway, "add", "-f", str(tmp_path / "list")) == "30 URLs added\n"
        assert run(gateway, "add", "--express", site.url("/30")) == "1 URL added\n"
        wait_until(lambda: stack.value("select count(*) from page where state = 'stored'") == 31, 30, "all are stored")
        assert stack.value("select count(*) from crawl where not is_inbox") == 0
        run(gateway, "add", site.url("/31"), "http://", status=2)
        assert stack.value("select count(*) from page") == 31  # not one of a list with a fault
        run(gateway, "summary", site.url("/39"), status=4)
        assert len(run(gateway, "summary", site.url("/39"), "--wait").split()) > 5
        run(gateway, "summary", site.url("/39"))
        run(gateway, "crawl", site.url("/"), "--exclude", "(", status=2)


def test_hostile_titles(line):
    _, gateway = line
    with Server(Pages({"/": page(EVIL)})) as site:
        crawl = run(gateway, "crawl", site.url("/"), "--depth", "0").strip()
        run(gateway, "wait", crawl)
        shown = run(gateway, "show", site.url("/"), "--article")
    assert "31mred" in shown and not any(c in shown for c in "\x1b\x9b\u202e")


def test_keys_and_doctor(stack):
    gateway = Gateway(stack)
    assert "no program has ever reported" in run(gateway, "doctor", status=1) or "none is running" in run(gateway, "doctor", status=1)
    stack.start_all()
    wait_until(lambda: objects(run_any(gateway, "doctor", "--json"))[0]["success"], 60, lambda: run_any(gateway, "doctor"))
    run(gateway, "status", GISTMILL_KEY="gm_wrong", status=5)
    stack.database.process.freeze()
    run(gateway, "recrawl", "1", status=3)  # which is not tried again: it might have been done
    stack.database.process.thaw()


def finding(gateway, check):
    """What the doctor says of one thing: finding, detail, advice."""
    return next((found for found in objects(run_any(gateway, "doctor", "--json"))[0]["checks"] if found["check"] == check), None)


def says(gateway, check, found, *words, deadline=30):
    """Waits until the doctor has found that, in these words."""
    def said():
        now = finding(gateway, check)
        return now and now["finding"] == found and all(word in now["detail"] + " " + now.get("advice", "") for word in words)
    wait_until(said, deadline, lambda: f"{found}, {words}: {finding(gateway, check)}")


def test_doctor_on_the_model(make_stack):
    """No model; one whose circuit opens, with what its fault asks for; well again, and its budget."""
    with Server(Pages({f"/{n}": page(f"Text {n}", seed=n) for n in range(3)})) as site, FakeLLM(mode="401") as llm:
        stack = make_stack(OPENAI_BASE_URL=llm.url, BUDGET_DAY_TOKENS="100000", SUMMARY_PAUSE="500ms", SUMMARY_TIMEOUT="2s", LEASE="600s")
        for name in ("writer", "fetcher", "parser"):
            stack.start(name)
        gateway = Gateway(stack)
        plain = stack.start("summarizer", SUMMARY_MODEL="", SUMMARY_ENGINE="extractive")
        says(gateway, "model", "ok", "none is configured")
        plain.terminate()
        stack.start("summarizer", SUMMARY_MODEL="fake")
        says(gateway, "model", "ok", "fake answers; today 0 of 100,000 tokens")
        crawl = run(gateway, "crawl", site.url("/0"), "--depth", "0").strip()
        says(gateway, "model", "warning", "it fails, the circuit is", "401", "OPENAI_API_KEY is missing or wrong")
        told = gateway.data("/v1/status")["model"]
        assert told["engine"] == "llm" and told["model"] == "fake" and told["circuit"] in ("open", "half-open") and "401" in told["fault"], told
        assert told["since"] <= told["faultAt"] and (told["nextProbe"] is None) == (told["circuit"] == "half-open"), told
        llm.mode = "ok"
        run(gateway, "wait", crawl)
        says(gateway, "model", "ok", "fake answers; today ", " of 100,000 tokens")
        told = gateway.data("/v1/status")["model"]
        assert told["circuit"] == "closed" and told["last"]["engine"] == "llm" and 0 < told["budget"]["tokens"] < told["budget"]["tokensLimit"] == 100000, told
        stack.query("update budget set tokens = 99000 where scope like 'day %'")
        says(gateway, "model", "warning", "99,000 of 100,000", "BUDGET_DAY_TOKENS")


def test_doctor_on_the_disk(line):
    """Not known; of this machine; nearly full."""
    stack, gateway = line
    says(gateway, "disk", "unknown", "GATEWAY_DISK_PATH")
    assert gateway.data("/v1/status")["disk"]["freeBytes"] is None
    lost = Gateway(stack, GATEWAY_DISK_PATH="/not/there")
    says(lost, "disk", "unknown", "/not/there: No such file or directory")
    wide = Gateway(stack, GATEWAY_DISK_PATH="/")
    room, told = os.statvfs("/"), wide.data("/v1/status")["disk"]
    assert told["totalBytes"] == room.f_blocks * room.f_frsize and 0 <= told["freeBytes"] <= told["totalBytes"] and told["databaseBytes"] > 0
    small = os.path.join(stack.directory, "small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        full = Gateway(stack, GATEWAY_DISK_PATH=small)
        with open(os.path.join(small, "much"), "wb") as file:
            file.write(bytes(3 << 20))
        says(full, "disk", "broken", "free are 1.0 MB of 4.2 MB", "a full disk stops PostgreSQL")
        run(full, "doctor", status=1)
        full.program.terminate()
    finally:
        subprocess.run(["umount", small], check=True)


def test_doctor_on_an_alarm(line):
    """Of a disk of the broker that is full, though programs that it blocks cannot speak."""
    stack, gateway = line
    says(gateway, "fetcher", "ok")
    stack.broker.ctl("set_disk_free_limit", "1000000GB")
    try:
        says(gateway, "broker", "broken", "low on disk", "all wait, nothing is lost", deadline=60)
        assert gateway.data("/v1/status")["broker"] == {"alarm": "low on disk"}
        says(gateway, "fetcher", "warning", "takes no messages", deadline=60)
    finally:
        stack.broker.ctl("set_disk_free_limit", "1MB")
    says(gateway, "broker", "ok", deadline=60)
    says(gateway, "fetcher", "ok", deadline=60)


def run_any(gateway, *arguments):
    return subprocess.run([GISTMILL, *arguments], env=base_env("/") | {"GISTMILL_URL": gateway.url("")}, capture_output=True, text=True, timeout=270,
                          check=False).stdout


def test_the_gateway_dies_while_a_crawl_is_watched(line):
    """And not an event is lost."""
    _, gateway = line
    with Server(Synthetic(40, 3, fan=None)) as site:
        command = [GISTMILL, "crawl", site.url("/0"), "--depth", "9", "--watch", "--json"]
        with subprocess.Popen(command, env=base_env("/") | {"GISTMILL_URL": gateway.url("")}, stdout=subprocess.PIPE, text=True) as process:
            first = process.stdout.readline()
            gateway.kill_and_restart()
            rest, _ = process.communicate(timeout=180)
    told = objects(first + rest)
    assert process.returncode == 0 and told[-1]["event"] == "done" and told[-1]["data"]["counts"]["stored"] == 40
    pages = [one["data"]["id"] for one in told if one["event"] == "page"]
    assert len(pages) == len(set(pages))
    numbers = [int(one["id"]) for one in told if one["event"] == "page"]
    assert numbers == sorted(numbers)
