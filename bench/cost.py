"""What a thousand articles cost of a model: tokens measured, prices given; `make bench-cost`.

The articles of real pages are put into real questions by the summarizer, which asks a server of our own; what it asked is counted by a
tokenizer (the npm package gpt-tokenizer, o200k_base). An answer counts as SUMMARY_WORDS words of its article, as long as one is asked for.

The environment: CORPUS, a folder of HTML pages, or of the evaluation data (`extraction` and `extraction-snippets` are taken); PRICE_INPUT,
PRICE_CACHED, PRICE_OUTPUT, of a million tokens; GM_BUILD; the summarizer's own settings, such as SUMMARY_INPUT_MAX.

exit status: 0 measured, 100 misuse
"""

import json
import os
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))

from support import npm  # noqa: E402
from support.fake_llm import FakeLLM, article_of  # noqa: E402

TOKENIZER = ("gpt-tokenizer", "4.0.0")
COUNT = """
import { encode } from "gpt-tokenizer";
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) console.log(encode(JSON.parse(line)).length);
"""
WORDS_MIN = 50  # less is hardly an article


def tokens(strings):
    folder = npm.package(*TOKENIZER)
    script = os.path.join(folder, "count.mjs")
    with open(script, "w", encoding="utf-8") as file:
        file.write(COUNT)
    lines = "".join(json.dumps(string) + "\n" for string in strings)
    done = subprocess.run(["node", script], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


def articles(build, corpus):
    folders = [folder for name in ("extraction", "extraction-snippets") if os.path.isdir(folder := os.path.join(corpus, name, "html"))]
    for folder in folders or [corpus]:
        done = subprocess.run([os.path.join(build, "parser"), "--batch", folder, "--content-type", "text/html; charset=utf-8"],
                              stdout=subprocess.PIPE, check=True)
        for line in done.stdout.decode().split("\n"):
            page = json.loads(line) if line else {}
            if len((page.get("text") or "").split()) >= WORDS_MIN:
                yield {"id": page["file"], **{key: page.get(key) or "" for key in ("text", "title", "lang")}}


def questions(build, rows):
    """What the summarizer asks: {system, user} an article."""
    with FakeLLM() as llm:
        env = os.environ | {"OPENAI_BASE_URL": llm.url, "SUMMARY_MODEL": "fake", "SUMMARY_ENGINE": "auto", "OPENAI_API_KEY": ""}
        subprocess.run([os.path.join(build, "summarizer"), "--batch", "-"], input="".join(json.dumps(row) + "\n" for row in rows), text=True,
                       env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        first = {}
        for request in llm.requests:  # second tries are left out
            first.setdefault(request["user"], request)
        return list(first.values())


def main():
    corpus = os.environ.get("CORPUS") or ""
    if not os.path.isdir(corpus):
        print("bench-cost: CORPUS=DIR must name a folder of HTML pages, or that of the evaluation data", file=sys.stderr)
        return 100
    build = os.path.join(TOP, os.environ.get("GM_BUILD") or "build")
    price_in, price_out = (float(os.environ.get(name) or 0) for name in ("PRICE_INPUT", "PRICE_OUTPUT"))
    price_cached = float(os.environ.get("PRICE_CACHED") or price_in)
    words = int(os.environ.get("SUMMARY_WORDS") or 80)
    rows = list(articles(build, corpus))
    asked = questions(build, rows)
    shown = [article_of(request["user"]) for request in asked]
    fixed = tokens([asked[0]["system"]])[0]
    users, texts = tokens([request["user"] for request in asked]), tokens(shown)
    answers = tokens([" ".join(text.split()[:words]) for text in shown])
    mean = statistics.fmean
    size = mean(len(text.encode()) for text in shown)
    print(f"{len(asked)} articles of {len(rows)}, {sum('It is longer than what is shown' in r['user'] for r in asked)} of them cut")
    print(f"tokens, mean of an article: {mean(texts):.0f} its text (median {statistics.median(texts):.0f}; {size / mean(texts):.2f} bytes each), "
          f"{fixed} the fixed part, {mean(users) - mean(texts):.0f} around the text, {mean(answers):.0f} an answer of {words} words")
    count_in, count_out = 1000 * (fixed + mean(users)), 1000 * mean(answers)
    plain = (count_in * price_in + count_out * price_out) / 1e6
    cached = plain - 1000 * fixed * (price_in - price_cached) / 1e6
    print(f"a thousand articles: {count_in:.0f} tokens in, {count_out:.0f} out; at {price_in:g} and {price_out:g} a million: {plain:.2f}; "
          f"with the fixed part from a cache at {price_cached:g}: {cached:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
