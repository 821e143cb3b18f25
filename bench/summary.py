"""Quality and speed of the extractive engine, measured on evaluation data without broker or database; `make bench-summary`.

The environment: CORPUS, the folder of the evaluation data (`summaries` has texts with summaries by people, a scorer, and in
README.md what other programs reach; `extraction` and `extraction-snippets` have web pages); ROUNDS=9; ONLY="quality speed …",
some of the parts; GM_BUILD. docs/SUMMARIES.md says how to read the figures.

Weights are searched on the even half of each set (by the SHA-256 of the id) and checked on the odd one.

exit status: 0 measured, 1 a figure is below what it must be, 100 misuse
"""

import hashlib
import json
import os
import subprocess
import sys

from corpus import OURS, Corpus, figure, run, say, table

SENTENCES = 3
# file, column of the README's table, R-1 that must be reached with the text alone, R-1 that is aimed at
SETS = (("proposals", 2, 0.290, 0.305), ("german", 3, 0.215, 0.230))
PAGES = (("extraction", 150), ("extraction-snippets", 150))
ARTICLES_MIN = 2000  # of 1,000 words, a second, on one core
NEAR_LINEAR = 2.0  # time a byte of the longest text against the shortest
LEAD = ("doubt=-2", "trust=-1", "lead=1000", "fade=0.999", "redundancy=0")  # nothing but the place

# What each sign is worth: the engine without it.
ABLATION = (
    ("all signs", ()),
    ("without centrality", ("damping=0.01",)),
    ("without stop words in the graph", ("stops=0",)),
    ("without rarity of terms", ("idf=0",)),
    ("plain cosine", ("norm=1",)),
    ("without the opening's place", ("lead=0",)),
    ("the place counts in every text", ("doubt=-2", "trust=-1")),
    ("without early in the text", ("early=0",)),
    ("without redundancy (no MMR)", ("redundancy=0",)),
    ("without length", ("short_words=0", "long_words=1e9")),
    ("title known", None),
    ("nothing but the place (lead)", LEAD),
)


def is_even(key):
    return hashlib.sha256(key.encode()).digest()[-1] % 2 == 0


HALVES = (("all", lambda key: True), ("even", is_even), ("odd", lambda key: not is_even(key)))


class Set:
    """Texts with references, and the scores of summaries of them."""

    def __init__(self, corpus, name, rows):
        self.corpus, self.name, self.rows = corpus, name, rows
        self.truth = {row["id"]: row for row in rows}

    def summaries(self, weights=(), title=False):
        fields = ("id", "text", "markdown") + (("title",) if title else ())
        lines = "".join(json.dumps({f: row[f] for f in fields if row.get(f)}) + "\n" for row in self.rows)
        command = [self.corpus.tool("summary"), "write", str(SENTENCES), *weights]
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
        return {row["id"]: row for row in map(json.loads, done.stdout.splitlines())}

    def score(self, found, wanted):
        """(R-1, R-2, R-L, mean words, word for word) of a part of the set, by the corpus's scorer."""
        keys = [key for key in self.truth if wanted(key)]
        truth, pred = (os.path.join(self.corpus.work, name) for name in ("truth.jsonl", "pred.json"))
        with open(truth, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(self.truth[key]) + "\n" for key in keys)
        with open(pred, "w", encoding="utf-8") as file:
            json.dump({key: found[key]["summary"] for key in keys}, file)
        command = [sys.executable, self.corpus.path("summaries", "score.py"), "--json", "--truth", truth, "--pred", pred]
        got = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return [got[k]["f1"] for k in ("rouge1", "rouge2", "rougeL")] + [got["words"], got["verbatim"], got["docs"]]


class Data(Corpus):
    def texts(self, name):
        with open(self.path("summaries", name + ".jsonl"), encoding="utf-8") as file:
            return Set(self, name, [json.loads(line) for line in file])

    def restored(self, name):
        """The same texts with their opening in its place: the person's summary, which was taken from there."""
        rows = [dict(row, text=row["references"][0] + "\n\n" + row["text"]) for row in self.texts(name).rows]
        return Set(self, name + ", restored", rows)

    def pages(self, name, words_min):
        """Web pages that come with a description which is no part of their text: (all with text enough, those described)."""
        found = self.parse_folder("text/html; charset=utf-8", name, "html")
        rows = [dict(page, id=key, references=[page.get("excerpt") or ""]) for key, page in found.items()
                if len((page.get("text") or "").split()) >= words_min]
        described = [row for row in rows if len(row["references"][0].split()) >= 12 and squeeze(row["references"][0])[:60] not in squeeze(row["text"])]
        return Set(self, name, rows), Set(self, name, described)


def squeeze(text):
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def row_of(name, score):
    r1, r2, rl, words, verbatim, docs = score
    return [name, figure(r1), figure(r2), figure(rl), f"{words:.0f}", figure(verbatim), docs]


def quality(data):
    ok = True
    for name, column, must, goal in SETS:
        texts = data.texts(name)
        say(f"{name}: {len(texts.rows)} texts, {SENTENCES} sentences; R-1 must be {must:.3f}, is to be {goal:.3f}")
        rows = []
        for title in (False, True):
            found = texts.summaries(title=title)
            for half, wanted in HALVES:
                score = texts.score(found, wanted)
                rows.append(row_of(f"{OURS}{' with the title' if title else ''}, {half}", score))
                ok &= score[0] >= must and score[4] >= 0.999
        lead = texts.summaries(LEAD)
        rows += [row_of(f"lead, {half}", texts.score(lead, wanted)) for half, wanted in HALVES]
        for peer in data.peers("summaries", "system"):
            figures = peer[column].split(" / ")
            if len(figures) == 3:
                rows.append([peer[0], *(f.strip("* ").lstrip("0") and f"0{f.strip('* ')}" for f in figures), "", "", len(texts.rows)])
        table(("system", "R-1", "R-2", "R-L", "words", "word for word", "texts"), rows)
    return ok


def openings(data):
    say("Texts with and without their opening: the share taken to have it, and R-1 of the summaries")
    rows = []
    sets = [(s, s) for name, *_ in SETS for s in (data.texts(name), data.restored(name))] + [data.pages(*page) for page in PAGES]
    for whole, scored in sets:
        taken = whole.summaries()
        share = sum(row["opening"] for row in taken.values()) / len(taken)
        found = [scored.score(scored.summaries(weights), lambda key: True)[0] for weights in ((), LEAD, ("lead=0",))]
        rows.append([whole.name, len(whole.rows), figure(share), len(scored.rows)] + [figure(f) for f in found])
    table(("texts", "number", "taken for an opening", "scored", OURS, "lead", "place ignored"), rows)
    return True


def ablation(data):
    say("What each sign is worth: R-1 of the engine without it")
    sets = [data.texts(name) for name, *_ in SETS]
    news = [data.pages(*page)[1] for page in PAGES]
    sets.append(Set(data, "web pages", [row for s in news for row in s.rows]))
    rows = []
    for name, weights in ABLATION:
        row = [name]
        for texts in sets:
            found = texts.summaries(weights or (), title=weights is None)
            row += [f"{texts.score(found, wanted)[0]:.4f}" for _, wanted in HALVES[1:]]
        rows.append(row)
    table(["signs"] + [f"{s.name} {half}" for s in sets for half, _ in HALVES[1:]], rows)
    return True


def lines_of(data, name, *arguments):
    with open(data.path("summaries", name + ".jsonl"), encoding="utf-8") as file:
        done = subprocess.run([data.tool("summary"), *arguments], stdin=file, capture_output=True, text=True, check=True)
    return [dict(pair.split("=") for pair in line.split()) for line in done.stdout.splitlines()]


def speed(data):
    rounds = os.environ.get("ROUNDS") or "9"
    say(f"Speed: articles of 1,000 words, CPU time on one core, the best of {rounds} rounds; at least {ARTICLES_MIN} a second")
    rows, ok = [], True
    for name, *_ in SETS:
        got = lines_of(data, name, "speed", rounds, "1000")[0]
        rate = 1000 / float(got["full_ms"])
        ok &= rate >= ARTICLES_MIN
        rows.append([name, got["articles"], f"{rate:.0f}", got["full_ms"], got["base_ms"], f"{float(got['full_ms']) / float(got['base_ms']):.2f}"])
    table(("texts", "number", "a second", "ms", "sentences and stems alone, ms", "ratio"), rows)
    say("Length: one text, growing")
    got = lines_of(data, "proposals", "lengths", rounds)
    per_byte = [float(line["full_ms"]) / int(line["bytes"]) * 1e6 for line in got]
    table(("KiB", "ms", "ns a byte"), [[int(line["bytes"]) >> 10, line["full_ms"], f"{ns:.0f}"] for line, ns in zip(got, per_byte)])
    return ok and per_byte[-1] <= NEAR_LINEAR * per_byte[0]


PARTS = (quality, openings, ablation, speed)


if __name__ == "__main__":
    sys.exit(run("bench-summary", "summaries", PARTS, Data))
