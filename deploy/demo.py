"""The demo itself; deploy/demo has installed and built. Settings come by environment: see there."""

import html
import json
import os
import re
import signal
import sys
import textwrap
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))

from support.process import Port, end_all  # noqa: E402
from support.site import Folder, Reply, Server  # noqa: E402
from support.stack import Failure, RunDir, Services, Stack, build_dir, install, tail  # noqa: E402

RUN = os.environ.get("GM_RUN") or os.path.join(TOP, ".run")

# Settings of the user's that reach the programs.
PASSED_ON = re.compile(r"(FETCH|SUMMARY|OPENAI|CRAWL|ROBOTS|RETRY)_|(HOST_DELAY|ATTEMPTS|CONTACT|LOG_LEVEL|FRONTIER_WINDOW)$")

LISTED_MAX = 5000  # links: what the parser takes of one page
STALLED = 120  # seconds without any change, on a site of our own


class Misuse(Exception):
    """What was asked for cannot be done; the text says why."""


class Ended(BaseException):
    """A signal asks us to end."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


def say(text=""):
    print(f"demo: {text}" if text else "", flush=True)


# What to crawl --------------------------------------------------------------------------------------------------------

class Wish:
    """What the environment asks for: where to begin, how deep, how many pages, and who serves it."""

    def __init__(self, env):
        self.keep = env.get("KEEP", "") not in ("", "0", "no")
        self.server = self.expected = None
        if env.get("STACK"):
            self.url, self.keep = None, True
            return
        if env.get("URL") and env.get("SITE"):
            raise Misuse("URL or SITE, not both")
        if env.get("URL"):
            if not re.match(r"https?://[^/]", env["URL"]):
                raise Misuse(f"URL={env['URL']}: must begin with http:// or https://")
            self.url, self.depth, self.limit = env["URL"], 2, 200
        elif env.get("SITE"):
            self.serve(env["SITE"])
            self.depth, self.limit = 20, 10000
        else:
            self.serve(env["GM_MANUAL"])
            self.depth, self.limit = 2, 2000
            if not env.get("DEPTH") and not env.get("LIMIT"):
                # All files of the manual can be reached within two steps of its index.
                self.expected = sum(name.endswith(".html") for name in os.listdir(env["GM_MANUAL"]))
        self.depth = number(env, "DEPTH", self.depth, 0)
        self.limit = number(env, "LIMIT", self.limit, 1)

    def serve(self, directory):
        if not os.path.isdir(directory):
            raise Misuse(f"SITE={directory}: no such folder")
        begin = os.path.join(directory, "index.html")
        site = Folder(directory) if os.path.exists(begin) else Listed(directory)
        self.server = Server(site).start()
        self.url = self.server.url("/index.html")

    def local(self):
        return self.server is not None

    def env(self):
        """What the programs are told for this site."""
        env = {key: value for key, value in os.environ.items() if PASSED_ON.match(key)}
        if self.local():
            env = {"HOST_DELAY": "0"} | env | {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8"}
        return env


def number(env, name, default, least):
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Misuse(f"{name}={text}: must be a whole number from {least} up")
    return int(text)


class Listed(Folder):
    """A folder without index.html gets one that links to all of its pages."""

    def __init__(self, directory):
        super().__init__(directory)
        names = []
        for where, _, files in os.walk(self.directory):
            names += [os.path.relpath(os.path.join(where, name), self.directory)
                      for name in files if name.lower().endswith((".html", ".htm", ".xhtml"))]
        if not names:
            raise Misuse(f"no HTML files under {self.directory}")
        items = "".join([f'<li><a href="/{html.escape(urllib.parse.quote(name))}">{html.escape(name)}</a>'
                         for name in sorted(names)[:LISTED_MAX]])
        self.index = Reply(f"<!doctype html><title>{len(names)} pages</title><ul>{items}</ul>")

    def _read(self, path):
        return self.index if path == "/index.html" else super()._read(path)


# Progress -------------------------------------------------------------------------------------------------------------

class Progress:
    """A bar on a terminal, otherwise a line every two seconds."""

    def __init__(self, limit=None, out=sys.stdout):
        self.limit = limit
        self.out = out
        self.bar = out.isatty()
        self.begin = time.monotonic()
        self.next = 0.0
        self.last = None

    def show(self, row, final=False):
        now = time.monotonic()
        if not final and now < self.next:
            return
        self.next = now + (0.2 if self.bar else 2.0)
        ended = row.admitted - row.open
        speed = ended / max(now - self.begin, 0.001)
        text = (f"{ended} of {row.admitted} pages ended, {row.scheduled} on the way: {row.stored} stored, {row.skipped} skipped, "
                f"{row.errors} errors, {speed:.0f} pages/s")
        if self.bar:
            width, columns = 20, os.get_terminal_size(self.out.fileno()).columns
            done = max(ended / max(row.admitted, 1), row.stored / self.limit if self.limit else 0)
            full = int(width * min(done, 1))
            line = f"[{'#' * full}{'-' * (width - full)}] {text}"[:columns - 1]
            self.out.write(f"\r{line}\x1b[K" + ("\n" if final else ""))
        elif text != self.last:
            self.out.write(f"demo: {text}\n")
        self.last = text
        self.out.flush()

    def clear(self):
        """Before anything else is printed."""
        if self.bar and self.last:
            self.out.write("\r\x1b[K")
            self.out.flush()


def follow(stack, wish):
    """Watches the crawl until it has ended. Returns its row."""
    progress = Progress(wish.limit)
    seen, changed = None, time.monotonic()
    with stack.database.connect(stack.name) as connection, connection.cursor() as cursor:
        while True:
            look_after(stack, progress)
            cursor.execute("select * from crawl where not is_inbox order by id limit 1")
            row = cursor.fetchone()
            if row is None:
                cursor.execute("select reason from bad_request limit 1")
                refused = cursor.fetchone()
                if refused:
                    raise Misuse(f"{wish.url}: {refused.reason}")
            elif row.state != "running":
                progress.show(row, final=True)
                return row
            else:
                progress.show(row)
            if row != seen:
                seen, changed = row, time.monotonic()
            if wish.local() and time.monotonic() - changed > STALLED:
                raise Failure(f"nothing has moved for {STALLED} s: {seen}")
            signal.sigtimedwait([], 0.1)


def look_after(stack, progress):
    """A program or service that has died ends the demo."""
    processes = [*stack.programs, stack.broker.process, stack.database.process]
    for process in processes:
        if not process.alive():
            progress.clear()
            raise Failure(f"{process.name} has ended with status {process.status()}\n{tail(process.log, 30)}")


# The end --------------------------------------------------------------------------------------------------------------

def code_texts():
    """{code: words}, from the list all programs share."""
    with open(os.path.join(TOP, "common/line/codes.h"), encoding="utf-8") as f:
        return dict(re.findall(r'X\((\w+), \w+, \w+,\s*"([^"]*)"\)', f.read()))


def ledger(stack, row, wish):
    """Prints the books. True if they are closed, and hold what they must."""
    texts = code_texts()
    lines = [("admitted", "", row.admitted, "")]
    total = 0
    for state, code, count in stack.query(
            "select state::text, coalesce(code, ''), count(*) from page where crawl_id = %s group by page.state, code "
            "order by page.state, 3 desc, 2", row.id):
        code = "" if state == "stored" and code == "OK" else code
        lines.append((state, code, count, texts.get(code, "") if code else "article and summary are there"))
        total += count
    faults = stack.books()
    closed = total == row.admitted and not faults and row.open == 0
    say()
    say(f"ledger of {row.seed}, depth {row.max_depth}, limit {row.max_pages}")
    for state, code, count, text in lines:
        print(f"  {state:<11}{code:<20}{count:>8}  {text}".rstrip())
    print(f"  {'sum':<31}{total:>8}  {'adds up; ledger_check finds no fault' if closed else 'DOES NOT ADD UP'}")
    if wish.expected is not None:
        print(f"  {'HTML files in the package':<31}{wish.expected:>8}  "
              f"{'all of them' if total == wish.expected else 'NOT THE SAME'}")
        closed = closed and total == wish.expected
    for fault in faults[:20]:
        print(f"  ledger_check: {tuple(fault)}")
    depths = stack.query("select depth, count(*) from page where crawl_id = %s group by depth order by depth", row.id)
    print("  by depth   " + ", ".join(f"{depth}: {count}" for depth, count in depths))
    for rule, count in stack.query("select rule, count from refused where crawl_id = %s and count > 0 order by rule", row.id):
        print(f"  links not followed, by {rule}: {count}")
    seconds = max((row.finished_at - row.started_at).total_seconds(), 0.001)
    begun = stack.value("select count(*) from page where crawl_id = %s and release > 0", row.id)
    say(f"{begun} pages worked on in {seconds:.1f} s, {begun / seconds:.0f} pages/s, one process of each program")
    return closed


def examples(stack, row):
    width = min(100, os.get_terminal_size(1).columns - 1 if sys.stdout.isatty() else 100)
    rows = stack.query(
        "select p.url, p.title, s.text from page p join summary s using (content_hash, recipe_hash) where p.crawl_id = %s "
        "and p.state = 'stored' order by p.words < 150, md5(regexp_replace(p.url, '^https?://[^/]*', '')) limit 3", row.id)
    say()
    say("three of the summaries" if len(rows) == 3 else f"{len(rows)} summaries")
    for url, title, text in rows:
        print(f"\n  {title or '(no title)'}\n  {url}")
        for sentence in text.splitlines():
            print(textwrap.fill(sentence, width, initial_indent="    ", subsequent_indent="    "))
    print()


def write_pages(stack, row):
    """All pages with their summaries, one JSON a line. Returns the path."""
    rows = stack.query(
        "select p.url, p.depth, p.state::text, p.code, p.title, p.byline, p.published, p.lang, p.words, s.engine, "
        "s.text as summary from page p left join summary s using (content_hash, recipe_hash) where p.crawl_id = %s "
        "order by p.depth, p.url", row.id)
    path = os.path.join(RUN, "last-demo.jsonl")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as f:
        for page in rows:
            f.write(json.dumps({key: value for key, value in page._asdict().items() if value is not None},
                               ensure_ascii=False) + "\n")
    os.rename(f"{path}.{os.getpid()}", path)
    return path


KEPT = """\
The stack stays up until Ctrl-C. In another terminal:

  export AMQP_URL='{amqp}'
  export DATABASE_URL='{database}'
  export RABBITMQ_HTTP='{http}'

  psql "$DATABASE_URL" -c 'select id, seed, state, admitted, stored, skipped, errors, open from crawl'
  psql "$DATABASE_URL" -c 'select url, title, text from page join summary using (content_hash, recipe_hash) limit 5'
  rabbitmqadmin -H 127.0.0.1 -P {http_port} publish routing_key=seed payload='https://www.example.org/'
  deploy/enqueue --depth 1 --limit 20 https://www.example.org/
  {build}/parser        one more parser, with the variables above

logs: {logs}
"""


def keep(stack, wish):
    """Leaves everything running until Ctrl-C, which is the way it is meant to end."""
    if wish.local() and "HOST_DELAY" not in os.environ:
        for writer in stack.running("writer"):
            writer.terminate()
            writer.extra_env["HOST_DELAY"] = "1s"
            stack.restart(writer)
        say("from now on a host is asked once a second, as by default")
    say()
    print(KEPT.format(amqp=stack.broker.url, database=stack.database.url(stack.name, tcp=True),
                      http=stack.broker.http_url, http_port=stack.broker.http_port, build=os.path.relpath(build_dir(), TOP),
                      logs=stack.directory), flush=True)
    try:
        while True:
            look_after(stack, Progress())
            signal.sigtimedwait([], 1.0)
    except Ended as end:
        if end.number != signal.SIGINT:
            raise
        print()
        say("stopping")


# All of it --------------------------------------------------------------------------------------------------------------

def start_gateway(stack):
    """The web page and HTTP API, on port 8080 if nobody has it. Its address."""
    port = Port(8080)
    stack.start("gateway", GATEWAY_ADDR=f"127.0.0.1:{port}", GATEWAY_DISK_PATH=stack.database.directory)
    return f"http://127.0.0.1:{port}/"


def show(wish, run_dir):
    """Runs the demo. Returns the exit status."""
    where = wish.url if not wish.local() else f"{wish.url}, which is {wish.server.sites[None].directory}"
    say(f"starting a private RabbitMQ and PostgreSQL in {run_dir.path}, on 127.0.0.1 only")
    if not run_dir.path.startswith(os.path.realpath(RUN) + os.sep):
        say(f"(there, because they run as the user nobody, who may not enter {RUN})")
    services = Services(run_dir, management=wish.keep, safe=True)
    try:
        bin_dir = install(run_dir)
        services.migrate(bin_dir)
        stack = Stack(services, bin_dir, run_dir.subdir("gistmill"), "gistmill", wish.env(), defaults={}, prefix="")
        stack.start_all()
        say(f"watch it in a browser: {start_gateway(stack)}")
        if wish.url is None:
            keep(stack, wish)
            return 0
        say(f"crawling {where}")
        say("delay between two requests to a host: " + (stack.env.get("HOST_DELAY") or "1 s") +
            (", for it is our own; 127.0.0.0/8 may be fetched from" if wish.local() else "; private networks are refused"))
        stack.seed(wish.url, depth=wish.depth, limit=wish.limit)
        row = follow(stack, wish)
        closed = ledger(stack, row, wish)
        examples(stack, row)
        say(f"all pages and summaries: {os.path.relpath(write_pages(stack, row), os.getcwd())}")
        if wish.keep:
            keep(stack, wish)
        else:
            say("to look around in the database and enqueue more: make demo KEEP=1")
        return 0 if closed and row.state == "completed" else 1
    finally:
        services.close()


def main():
    def ended(number, _frame):
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)  # the way down is short and must not be cut
        raise Ended(number)

    for number_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number_, ended)
    run_dir = None
    try:
        wish = Wish(os.environ)
        run_dir = RunDir(RUN, "gistmill-demo-")
        status = show(wish, run_dir)
    except Ended as end:
        print()
        say("stopping")
        status = 128 + end.number
    except Misuse as why:
        say(str(why))
        status = 100
    except Failure as why:
        say(str(why))
        status = 1
    return finish(run_dir, status)


def finish(run_dir, status):
    """Ends what is left. The directory stays if something went wrong."""
    for number_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number_, signal.SIG_IGN)
    end_all()
    if run_dir is not None:
        if status == 1:
            say(f"logs are in {run_dir.path}; the next demo removes them")
        else:
            run_dir.remove()
    if status == 0:
        say("nothing is left running")
    return status


if __name__ == "__main__":
    sys.exit(main())
