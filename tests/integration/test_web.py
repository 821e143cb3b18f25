"""The gateway's web page, in a real Chromium: tests/web/*.mjs drive it with npm's playwright-core. Without npm there is no such test here."""

import html
import os
import shutil
import subprocess

import pytest

from support.gateway import Gateway
from support.site import Pages, Reply, Server, article, page
from support.stack import Failure, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLAYWRIGHT = "playwright-core@1.65.1"
CHROMIUM = "/usr/bin/chromium"
WORD = "quillwort"

# Titles that want to be more than text. HACKED in a document's title, or a variable `hacked`: then one of them has succeeded.
HOSTILE = {
    "/": "A site of strange titles",
    "/img": '<img src=x onerror="hacked=1;document.title=\'HACKED\'">',
    "/script": "</title></script><script>hacked=1;document.title='HACKED'</script>",
    "/attribute": "\" onmouseover=\"hacked=1\" autofocus onfocus=\"hacked=1\" x=\"",
    "/template": "${hacked=1} {{constructor.constructor('hacked=1')()}} <svg/onload=hacked=1>",
    "/bidi": "report\u202egpj.exe\u202c \u2067turned\u2066 \u200f\u202edone",
    "/long": "W" * 10_000,
    "/words": "Many words of a title " * 450,
    "/controls": "bell\u0007 escape\u009b31m null\ufeff zero\u200bwidth \u2028 lines",
    "/marks": "Z" + "\u0336\u0489\u0301" * 300,
    "/link": "javascript:hacked=1",
    "/emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 100,
}


def hostile_page(path):
    """An article with that title, and with markup in its text, its author and its links."""
    title = html.escape(HOSTILE[path])
    texts = article(path) + ["<img src=x onerror=hacked=1> </p><script>hacked=1</script>", "\u202eturned around\u202c and " + "x" * 5000,
                             f"The {WORD} grows in clear water, and nobody had counted it before the survey of the northern lakes was begun."]
    links = "".join(f'<li><a href="{other}">{other}</a>' for other in HOSTILE)
    return (f'<!doctype html><html lang="en&quot; onload=&quot;hacked=1"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="author" content="{html.escape("<b onclick=hacked=1>A. N. Author</b>")}">'
            '<link rel="canonical" href="javascript:hacked=1"></head><body><main><article>'
            f"<h1>{title}</h1>" + "".join(f"<p>{html.escape(text)}</p>" for text in texts) + f"</article></main><ul>{links}</ul></body></html>").encode()


def garden(pages):
    """So many articles, each linking to the next ones."""
    return Pages({("/" if n == 0 else f"/{n}"): page(f"Record {n} of the survey", links=[f"/{m}" for m in range(n + 1, min(n + 17, pages))])
                  for n in range(pages)})


if shutil.which("npm"):
    @pytest.fixture(scope="session")
    def playwright():
        """The directory that has playwright-core; fetched once."""
        folder = os.path.join(TOP, ".run", "playwright")
        if not os.path.exists(os.path.join(folder, "node_modules", "playwright-core", "package.json")):
            os.makedirs(folder, exist_ok=True)
            subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--no-save", PLAYWRIGHT], check=True, timeout=300,
                           stdout=subprocess.DEVNULL)
        return folder

    @pytest.fixture
    def gateway(make_stack):
        """A function: a stack with everything running, and a gateway before it."""
        def make(**env):
            stack = make_stack(**env)
            stack.start_all()
            return Gateway(stack)
        return make

    def drive(name, gateway, playwright, tmp_path, answer=None, **env):
        """Runs tests/web/NAME.mjs to its end. answer(question): called for what it asks; nothing else is done meanwhile."""
        kept = {key: os.environ[key] for key in ("PATH", "SHOTS") if key in os.environ}
        env = kept | {"HOME": str(tmp_path), "BASE": gateway.url(""), "PLAYWRIGHT": playwright, "CHROMIUM": CHROMIUM} | env
        process = subprocess.Popen(["node", os.path.join(TOP, "tests", "web", name + ".mjs")], env=env, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if line.startswith("? "):
                    answer(line[2:].strip())
                    process.stdin.write("done\n")
                    process.stdin.flush()
            assert process.wait(60) == 0 and said[-1] == "passed\n", "".join(said)
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def test_modules():
        """What needs no browser."""
        done = subprocess.run(["node", "--test", os.path.join(TOP, "tests", "web", "units.test.mjs")], capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stdout

    def test_crawl_by_hand(gateway, playwright, tmp_path):
        pages = 40
        front = gateway(HOST_DELAY="150ms")
        stack = front.stack

        def answer(question):
            if question == "kill the gateway":
                front.program.kill9()
            elif question == "go on without it":
                before = stack.crawl().stored
                wait_until(lambda: stack.crawl().stored >= before + 5, 30, "the crawl goes on without the gateway")
                assert stack.crawl().state == "running"
            elif question == "wait for the end of the crawl":
                stack.wait_completed()
            elif question == "start the gateway":
                front.kill_and_restart()
            else:
                raise Failure(question)

        with Server(garden(pages)) as server:
            drive("crawl", front, playwright, tmp_path, answer, SEED=f"http://127.0.0.1:{server.port}/", PAGES=str(pages))
        assert stack.books() == []

    def test_hostile_pages(gateway, playwright, tmp_path):
        front = gateway()
        with Server(Pages({path: hostile_page(path) for path in HOSTILE})) as server:
            front.stack.seed(f"http://127.0.0.1:{server.port}/", depth=2)
            crawl = front.stack.wait_completed()
        assert crawl.stored == len(HOSTILE), front.stack.query("select url, state, code, detail from page")
        drive("hostile", front, playwright, tmp_path, CRAWL=str(crawl.id), WORD=WORD)

    def test_key(gateway, playwright, tmp_path):
        """A name that the gateway does not know for its own is served with a key only. Names under .localhost lead to 127.0.0.1."""
        front = gateway()
        made = subprocess.run([os.path.join(front.stack.bin_dir, "gateway"), "--add-key", "page"], env=front.stack.env, capture_output=True, text=True,
                              timeout=90, check=True)
        with Server(garden(5)) as server:
            drive("key", front, playwright, tmp_path, BASE=f"http://gate.localhost:{front.port}", KEY=made.stdout.strip(),
                  SEED=f"http://127.0.0.1:{server.port}/")

    def test_looks_and_keyboard(gateway, playwright, tmp_path):
        front = gateway()
        site = garden(30).pages | {"/broken": Reply("<p>no", status=500), "/gone": Reply("<p>no", status=404)}
        site["/"] = page("Survey", links=["/1", "/broken", "/gone"])
        with Server(Pages(site)) as server:
            seed = f"http://127.0.0.1:{server.port}/"
            front.stack.seed(seed, depth=3)
            crawl = front.stack.wait_completed()
            drive("looks", front, playwright, tmp_path, CRAWL=str(crawl.id), SEED=seed)
