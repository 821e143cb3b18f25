"""Quality and speed of the parser's extraction, measured on evaluation data without broker or database; `make bench-extract`.

The environment: CORPUS, the folder of the evaluation data (its folders have the scorers and say in README.md what other
programs reach); SITE, a folder of HTML for the second measurement of speed; ROUNDS=15; ONLY="articles speed …", some of the
parts; GM_BUILD. docs/EXTRACTION.md says how to read the figures.

exit status: 0 measured, 1 something that must be right is wrong, 100 misuse
"""

import base64
import os
import re
import subprocess
import sys

from corpus import OURS, figure, run, say, table

SITE = "/usr/share/doc/postgresql-doc-15/html"
FIELDS = ("title", "author", "date", "lang", "site", "excerpt")
RATIO_MAX, MONSTER_MAX, CAGE_MAX = 1.5, 5.0, 1.1


def is_even(page):
    """The half of a page whose id is a hash: rules are tuned on the even half and confirmed on the odd one."""
    return int(page, 16) % 2 == 0


# Quality --------------------------------------------------------------------------------------------------------------

def texts(corpus, folder, content_type):
    """Scores of the article's text: all pages, the two halves, and the README's peers."""
    truth = corpus.load(folder, "ground-truth.json")
    pages = {key: {"articleBody": page.get("text", "")} for key, page in corpus.parse_folder(content_type, folder, "html").items()}
    halves = (("all", lambda page: True), ("even", is_even), ("odd", lambda page: not is_even(page)))
    rows = []
    for name, wanted in halves:
        part = {key: value for key, value in truth.items() if wanted(key)}
        score = corpus.score(folder, part, pages)
        rows.append([f"{OURS}, {name}"] + [figure(score[key]) for key in ("f1", "precision", "recall")])
        rows[-1].append(len(part))
    others = [row[:4] + [""] for row in corpus.peers(folder, "system")]
    ours, parts = rows[0], rows[1:]
    table(("system", "F1", "precision", "recall", "pages"), sorted([ours] + others, key=lambda row: -float(row[1])) + parts)
    return True


def articles(corpus):
    say("Article text (mean over pages of 4-gram shingles)")
    return texts(corpus, "extraction", "text/html; charset=utf-8")


def snippets(corpus):
    say("Wanted and unwanted snippets")
    return texts(corpus, "extraction-snippets", "text/html")


def metadata(corpus):
    say("Metadata (F1 of equal values)")
    truth = corpus.load("metadata", "truth-pages.json")
    pages = {}
    for key, facts in truth.items():
        with open(corpus.path("extraction-snippets", "html", key + ".html.gz"), "rb") as file:
            body = subprocess.run(["gzip", "-dc"], stdin=file, capture_output=True, check=True).stdout
        pages[key] = corpus.parse(body, "text/html", facts.get("url"))
    readers = corpus.parse_folder("text/html; charset=utf-8", "metadata", "reader")
    rows = []
    for name, facts, found in (("pages", truth, pages), ("reader", corpus.load("metadata", "truth-reader.json"), readers)):
        score = corpus.score("metadata", facts, {key: {f: page.get(f) for f in FIELDS} for key, page in found.items()})
        rows.append([name, OURS] + [figure(score[f]["f1"]) if f in score else "" for f in FIELDS])
        rows += [row for row in corpus.peers("metadata", "set") if row[0] == name]
    table(("set", "system") + FIELDS, rows)
    return True


def squeeze(text):
    return " ".join((text or "").split())


def encodings(corpus):
    say("Encodings")
    rows, ok = [], True
    for name in ("declared", "pages", "precedence", "undeclared"):
        vectors = corpus.load("encoding", name + ".json")
        found = {v["id"]: corpus.parse(base64.b64decode(v["html_b64"]), v.get("content_type") or "text/html") for v in vectors}
        lines, good = corpus.check("encoding", name + ".json", "encoding", {key: page.get("encoding") for key, page in found.items()})
        ok &= good or name == "undeclared"
        rows += [[name, line.rsplit(None, 1)[0].strip(), line.rsplit(None, 1)[1]] for line in counts(lines)]
        if name != "pages":
            continue
        for field in ("title", "text"):
            right = sum(squeeze(found[v["id"]].get(field)) == squeeze(v[field]) for v in vectors)
            ok &= right == len(vectors)
            rows.append([name, "its " + field, f"{right}/{len(vectors)}"])
    table(("file", "kind", "right"), rows)
    return ok


def counts(lines):
    """check.py's lines of counts: those before the total, from the first `name  n/n` that follows the wrong answers."""
    return [line for line in lines if re.fullmatch(r"\S.{20,}\s\d+/\d+", line) or re.fullmatch(r"\S+( \S+)*\s{2,}\d+/\d+", line)]


def operand(text):
    if text is None:
        return "."
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return data.hex() or "-"


def ask(corpus, questions):
    """The answers of tests/support/vectors.c, one a question."""
    done = subprocess.run([corpus.tool("vectors")], input="\n".join(questions) + "\n", capture_output=True, text=True, check=True)
    answers = done.stdout.split("\n")[:-1]
    if len(answers) != len(questions):
        raise SystemExit(f"{len(questions)} questions, {len(answers)} answers")
    return answers


def url_or_none(answer):
    return None if answer.startswith("!") else answer


def robots_file(corpus, vector):
    if "robots_big" in vector:
        with open(corpus.path("robots", vector["robots_big"] + ".txt"), "rb") as file:
            return file.read()
    return base64.b64decode(vector["robots_b64"]) if "robots_b64" in vector else vector["robots_txt"]


def seconds_or_none(answer):
    return None if answer == "-1" else int(answer) / 1000


def vectors(corpus):
    say("URLs and robots.txt")
    rules = (
        ("url", "resolve.json", "expected", lambda v: f"href {operand(v['base'])} {operand(v['href'])}", url_or_none),
        ("url", "canonical.json", "canonical", lambda v: f"canonical . {operand(v['url'])}", url_or_none),
        ("robots", "vectors.json", "allowed",
         lambda v: f"robots {operand(robots_file(corpus, v))} {operand(v['user_agent'])} {operand(v['url'])}", lambda a: a == "true"),
        ("robots", "extras.json", "crawl_delay", lambda v: f"delay {operand(v['robots_txt'])} {operand(v['user_agent'])}", seconds_or_none),
        ("robots", "extras.json", "sitemaps", lambda v: f"sitemaps {operand(v['robots_txt'])} {operand(v['user_agent'])}", str.split),
    )
    rows, ok = [], True
    for folder, name, field, question, answer in rules:
        listed = corpus.load(folder, name)
        found = {v["id"]: answer(a) for v, a in zip(listed, ask(corpus, [question(v) for v in listed]))}
        lines, good = corpus.check(folder, name, field, found)
        ok &= good
        required = [v for v in listed if not v.get("contested") and v.get("kind") != "google-only"]
        right = sum(found[v["id"]] == v[field] for v in listed)
        rows.append([f"{folder}/{name}", field, f"{right}/{len(listed)}", lines[-1].rsplit(None, 1)[-1], len(required)])
    table(("file", "field", "right", "required and wrong", "required"), rows)
    return ok


# Cost -----------------------------------------------------------------------------------------------------------------

def lines_of(command):
    """The `key=value` lines of bench/extract.c; the last value may hold blanks."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", line)) for line in done.stdout.strip().split("\n")]


def speed(corpus):
    say("Speed: bytes in memory to the finished record, beside htmlReadMemory of the same bytes (CPU time, one core)")
    site, rounds = os.environ.get("SITE") or SITE, os.environ.get("ROUNDS") or "15"
    rows, ok = [], True
    for name, folder in (("evaluation pages", corpus.path("extraction", "html")), ("site", site)):
        if not os.path.isdir(folder):
            say(f"  {name}: {folder} is missing; SITE=DIR names another")
            continue
        got = lines_of([corpus.tool("extract"), "speed", rounds, "utf-8", folder])[0]
        ok &= float(got["ratio"]) <= RATIO_MAX
        rows.append([name, got["pages"], f"{int(got['bytes']) / int(got['pages']) / 1024:.0f}", got["bare_ms"], got["full_ms"], got["ratio"],
                     f"{got['least']} to {got['most']}"])
    table(("pages", "number", "KiB a page", "bare ms", "record ms", "ratio", f"of {rounds} rounds"), rows)
    return ok


def monsters(corpus):
    say(f"Pages made to be slow: time a byte against the mean of the evaluation pages (at most {MONSTER_MAX:.0f})")
    mean, *got = lines_of([corpus.tool("extract"), "monsters", "utf-8", corpus.path("extraction", "html")])
    got.sort(key=lambda line: -float(line["times"]))
    table(("page", "MB", "ms", "times the mean", "times bare's", "peak MB", "bare ms"),
          [[line["name"], f"{int(line['bytes']) / 1e6:.1f}", line["ms"], line["times"],
            f"{float(line['times']) * float(mean['mean_ns']) / float(mean['bare_ns']):.2f}", line["peak_mb"], line["bare_ms"]] for line in got])
    say(f"  mean: {mean['mean_ns']} ns a byte; htmlReadMemory's on the same pages: {mean['bare_ns']}")
    say()
    return all(0 < float(line["times"]) <= MONSTER_MAX for line in got)


def cage(corpus):
    say("The cage: bytes packed as from the broker to the packed record, in this process and through the caged child (CPU time of both)")
    # Twice the rounds: two processes are disturbed more often than one.
    site, rounds = os.environ.get("SITE") or SITE, str(2 * int(os.environ.get("ROUNDS") or 15))
    rows, ok = [], True
    for name, folder in (("evaluation pages", corpus.path("extraction", "html")), ("site", site)):
        if not os.path.isdir(folder):
            continue
        got = lines_of([corpus.tool("extract"), "cage", rounds, "utf-8", folder])[0]
        ok &= float(got["ratio"]) <= CAGE_MAX
        rows.append([name, got["pages"], got["plain_ms"], got["caged_ms"], got["ratio"], f"{got['least']} to {got['most']}"])
    table(("pages", "number", "plain ms", "caged ms", "ratio", f"of {rounds} rounds"), rows)
    return ok


PARTS = (articles, snippets, metadata, encodings, vectors, speed, monsters, cage)


if __name__ == "__main__":
    sys.exit(run("bench-extract", "extraction", PARTS))
