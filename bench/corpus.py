"""What the measurements on evaluation data have in common: the data, the programs measured on it, tables, how they are run.

The environment: CORPUS, the folder of the evaluation data; ONLY, some of the parts; GM_BUILD.
"""

import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = "Gistmill"


def say(text=""):
    print(text, flush=True)


def table(head, rows):
    """Columns side by side, the first to the left, the others to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[k]) for row in [list(head)] + rows) for k in range(len(head))]
    for row in [list(head)] + rows:
        say("  " + row[0].ljust(widths[0]) + "".join("  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:])))
    say()


def figure(value):
    return f"{value:.3f}"


class Corpus:
    """The evaluation data and the programs that are measured on it."""

    def __init__(self, folder, build, work):
        self.folder, self.build, self.work = folder, build, work
        self.parser = os.path.join(build, "parser")

    def tool(self, name):
        return os.path.join(self.build, "tools", name)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def load(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return json.load(file)

    def save(self, name, value):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
        return path

    def peers(self, folder, first):
        """The rows of the README's table whose head begins with `first`."""
        with open(self.path(folder, "README.md"), encoding="utf-8") as file:
            rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in file if line.startswith("|")]
        start = next((k for k, row in enumerate(rows) if row[0] == first), len(rows))
        return [row for row in rows[start + 2:] if len(row) == len(rows[start])]

    def parse(self, body, content_type, url=None):
        command = [self.parser, "--once", "--content-type", content_type] + (["--url", url] if url else [])
        return json.loads(subprocess.run(command, input=body, capture_output=True, check=False).stdout)

    def parse_folder(self, content_type, *names):
        done = subprocess.run([self.parser, "--batch", self.path(*names), "--content-type", content_type], capture_output=True, check=True)
        pages = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
        return {page["file"].split(".html")[0]: page for page in pages}

    def score(self, folder, truth, pages):
        """What a folder's scorer says, as JSON."""
        command = [sys.executable, self.path(folder, "score.py"), "--json", "--truth", self.save("truth.json", truth)]
        done = subprocess.run(command + ["--pred", self.save("pred.json", pages)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def check(self, folder, name, field, answers):
        """What check.py counts for a file of vectors: (its words, whether all that must be right is)."""
        command = [sys.executable, self.path("check.py"), "--vectors", self.path(folder, name), "--field", field]
        done = subprocess.run(command + ["--pred", self.save("answers.json", answers)], capture_output=True, text=True, check=False)
        return done.stdout.strip().split("\n"), done.returncode == 0


def run(name, needs, parts, kind=Corpus):
    """Runs those of the parts (functions of a corpus, true if all is as it must be) that ONLY names. Returns the exit status.

    needs: a folder that the data must have. kind: of corpus.
    """
    folder = os.environ.get("CORPUS")
    if not folder or not os.path.isdir(os.path.join(folder, needs)):
        print(f"{name}: CORPUS=DIR must name the folder of the evaluation data", file=sys.stderr)
        return 100
    only = (os.environ.get("ONLY") or " ".join(part.__name__ for part in parts)).split()
    with tempfile.TemporaryDirectory() as work:
        corpus = kind(os.path.abspath(folder), os.path.join(TOP, os.environ.get("GM_BUILD") or "build"), work)
        failed = [part.__name__ for part in parts if part.__name__ in only and not part(corpus)]
    if failed:
        say(f"not as they must be: {', '.join(failed)}")
    return 1 if failed else 0
