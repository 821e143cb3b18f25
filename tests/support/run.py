"""Runs the parts of the test suite and adds up what they say. Called by tests/run, which has installed and built."""

import glob
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARTS = ("unit", "integration", "lint")
UNIT_LIMIT = 300


def run_unit(_arguments):
    """Each binary of tests/unit and tests/fuzz, one after the other. A case that never reports counts as failed."""
    passed = failed = 0
    for source in sorted(glob.glob(os.path.join(TOP, "tests/unit/test_*.c")) + glob.glob(os.path.join(TOP, "tests/fuzz/fuzz_*.c"))):
        name = os.path.basename(source)[:-2]
        good, bad, output = run_cases(os.path.join(TOP, os.environ["GM_BUILD"], "tests", name))
        print(f"unit {name}: {good} passed, {bad} failed", flush=True)
        if bad:
            print(output, flush=True)
        passed, failed = passed + good, failed + bad
    return passed, failed


def run_cases(binary):
    """(passed, failed, output) of one binary, which prints TAP: a plan `1..n`, then `ok` or `not ok` a case."""
    try:
        done = subprocess.run([binary], cwd=TOP, env=os.environ | {"CMOCKA_MESSAGE_OUTPUT": "TAP"}, timeout=UNIT_LIMIT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        output, status = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as error:
        output, status = (error.stdout or b"").decode(errors="replace") + f"\nkilled after {UNIT_LIMIT} s", None
    except OSError as error:
        return 0, 1, str(error)
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)$", output, re.M))
    good = len(re.findall(r"^ok\b(?!.*# *skip)", output, re.M | re.I))
    bad = max(planned - good, 0)
    if status != 0 and bad == 0:
        bad = 1
    return good, bad, f"{output}\nstatus {status}"


def run_integration(arguments):
    """pytest on tests/integration, four files at a time, each with a broker and a database of its own: mostly they wait. GM_JOBS=0: one
    after the other. Its own death is a failure, too."""
    jobs = ["-n", os.environ.get("GM_JOBS") or "4", "--dist", "loadfile"]
    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, "report.xml")
        status = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", report, *jobs,
                                 *(arguments or ["tests/integration"])], cwd=TOP, check=False).returncode
        try:
            suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite").attrib
        except (OSError, xml.etree.ElementTree.ParseError):
            return 0, 1
    bad = int(suite["failures"]) + int(suite["errors"]) + int(suite["skipped"])
    good = int(suite["tests"]) - bad
    return good, bad or (status != 0)


def run_lint(_arguments):
    """`make lint`, which may print a line of counts like ours."""
    done = subprocess.run(["make", "-s", "--no-print-directory", f"BUILD={os.environ['GM_BUILD']}", "lint"], cwd=TOP,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode(errors="replace").rstrip()
    print(f"lint: {output}" if output else "lint", flush=True)
    counts = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.M)
    if not counts:
        return (1, 0) if done.returncode == 0 else (0, 1)
    return int(counts[-1][0]), int(counts[-1][1]) or (done.returncode != 0)


def main(arguments):
    end = arguments.index("--") if "--" in arguments else len(arguments)
    wanted, for_pytest = arguments[:end], arguments[end + 1:]
    if set(wanted) - set(PARTS):
        print(f"usage: tests/run [{'] ['.join(PARTS)}] [-- arguments for pytest]", file=sys.stderr)
        return 100
    passed = failed = 0
    for part in PARTS:
        if not wanted or part in wanted:
            begin = time.monotonic()
            good, bad = globals()[f"run_{part}"](for_pytest)
            print(f"{part}: {good} passed, {int(bad)} failed, {time.monotonic() - begin:.0f} s", flush=True)
            passed, failed = passed + good, failed + int(bad)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
