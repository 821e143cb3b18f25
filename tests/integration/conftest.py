"""Fixtures of the integration tests: one broker and one database server a run, a stack of its own for each test.

Needs Debian's python3 with pytest, pika and psycopg2, and built programs (GM_BUILD, default build).
GM_LONG=1: the full forms of the tests (make check-long). GM_KEEP=1: directories and logs stay.
A test that takes longer than its time (120 s, or @pytest.mark.limit(seconds), and PATIENCE) fails; so does one that is skipped.
"""

import faulthandler
import os
import signal
import sys
import types

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.broker import Broker  # noqa: E402
from support.crawl import Site, outline, same  # noqa: E402
from support.maze import Maze  # noqa: E402
from support.memory import WAL, WINDOW  # noqa: E402
from support.process import PATIENCE  # noqa: E402
from support.site import Server  # noqa: E402
from support.stack import Failure, RunDir, Services, Stack, install, tail  # noqa: E402

LIMIT = 120
LONG = os.environ.get("GM_LONG", "") not in ("", "0")


class TookTooLong(Exception):
    """The test's time is up."""


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): time a test may take, set-up and tear-down apart")


# Files that take longest go first: begun last, one of them would run alone at the end. Those with brokers of their own are apart.
LONG_FILES = ("pressure", "buyer", "gateway", "hollow", "politeness", "web", "crash", "awaited", "demo", "scale", "faults", "control", "frontier")


def pytest_collection_modifyitems(items):
    order = {f"test_{name}": place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


# Services -------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def run_dir():
    """The directory of this run."""
    made = RunDir(os.environ.get("TMPDIR", "/tmp"), "gistmill-test-")
    yield made
    if os.environ.get("GM_KEEP"):
        print(f"\nkept: {made.path}", file=sys.stderr)
    else:
        made.remove()


@pytest.fixture(scope="session")
def services(run_dir):
    """Broker and database server of this run."""
    made = Services(run_dir)
    yield made
    made.close()


@pytest.fixture(scope="session")
def bin_dir(run_dir):
    """Where the programs are."""
    return install(run_dir)


@pytest.fixture(scope="session")
def migrated(services, bin_dir):
    """The services, with a database that has our tables, to be copied."""
    services.migrate(bin_dir)
    return services


@pytest.fixture(scope="session")
def numbers():
    """Counts the stacks: names of databases and prefixes of queues are used once."""
    return iter(range(1, 1_000_000))


@pytest.fixture
def make_stack(request, run_dir, migrated, bin_dir, numbers):
    """A function that makes a Stack: its own database, its own queues, no program yet. Arguments: environment."""
    made = []

    def make(**env):
        name = f"t{next(numbers)}"
        directory = run_dir.subdir(name)
        stack = Stack(migrated, bin_dir, directory, name, env)
        made.append(stack)
        request.node.gistmill_logs = getattr(request.node, "gistmill_logs", []) + [stack.logs]
        return stack

    # A test may leave the services stopped or frozen; the next one finds them running.
    for service in (migrated.broker, migrated.database):
        service.process.thaw()
        if not service.process.alive():
            service.start()
        service.ready()
    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def stack(make_stack):
    """One Stack with the tests' defaults."""
    return make_stack()


@pytest.fixture(scope="session")
def long():
    """True in make check-long."""
    return LONG


@pytest.fixture(scope="session")
def sanitized(bin_dir):
    """True if the programs carry AddressSanitizer, which takes memory of its own."""
    with open(os.path.join(bin_dir, "writer"), "rb") as f:
        return b"__asan_init" in f.read()


# A broker that holds little ------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def small_broker(request, run_dir):
    """A broker for one file of tests: its write-ahead log is small, its alarms are theirs. idle: bytes it holds empty."""
    made = Broker(run_dir.subdir(f"rabbitmq-{request.module.__name__}"), config=f"raft.wal_max_size_bytes = {WAL}")
    made.start().ready()
    made.idle = made.rss()
    yield made
    made.close()


@pytest.fixture
def press(request, small_broker, migrated, bin_dir, run_dir, numbers):
    """A function that makes a Stack around that broker. Arguments: environment."""
    made = []
    if not migrated.database.process.alive():
        migrated.database.start().ready()

    def make(**env):
        name = f"t{next(numbers)}"
        services = types.SimpleNamespace(broker=small_broker, database=migrated.database)
        stack = Stack(services, bin_dir, run_dir.subdir(name), name,
                      {"FRONTIER_WINDOW": str(WINDOW), "FETCH_PER_HOST": "64", "LOG_LEVEL": "info", **env})
        made.append(stack)
        request.node.gistmill_logs = [stack.logs, small_broker.logs]
        return stack

    yield make
    for stack in made:
        stack.close()


# A site that order matters on ---------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def undisturbed(migrated, bin_dir, run_dir, numbers):
    """A function that crawls a Site with one of each program and returns what it came to."""
    def run(site):
        name = f"t{next(numbers)}"
        stack = Stack(migrated, bin_dir, run_dir.subdir(name), name)
        try:
            stack.start_all()
            return site.crawl(stack).finish()
        finally:
            stack.close()
    return run


@pytest.fixture(scope="session")
def maze(undisturbed):
    """The Maze, served, with what an undisturbed crawl of it comes to."""
    made = Maze(600 if LONG else 160)
    with Server(made, robots=Maze.ROBOTS) as server:
        expected = made.expected(server.url)
        site = Site(server, "/", len(expected), made.fresh, made.times, depth=Maze.DEPTH, limit=100_000)
        site.wanted = undisturbed(site)
        same(outline(site.wanted), expected)
        site.check_asked()
        yield site


# Time limits ------------------------------------------------------------------------------------------------------------

def _limited(item, what, seconds):
    seconds *= PATIENCE

    def expired(_number, _frame):
        raise TookTooLong(f"{what} took longer than {seconds} s")
    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    # A call into a library that does not return cannot be interrupted so. Then the run ends here; children die with us.
    faulthandler.dump_traceback_later(seconds + 60, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


def _seconds(item):
    marker = item.get_closest_marker("limit")
    return marker.args[0] if marker else LIMIT


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    yield from _limited(item, "set-up", LIMIT)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    yield from _limited(item, "the test", _seconds(item))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    yield from _limited(item, "tear-down", LIMIT)


# Reports --------------------------------------------------------------------------------------------------------------

def _no_skip(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed: {report.longrepr}"


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    _no_skip((yield).get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    _no_skip(report)
    if report.failed and report.when != "teardown":
        for logs in getattr(item, "gistmill_logs", []):
            for title, path in logs():
                report.sections.append((title, tail(path)))
        made = getattr(item, "funcargs", {}).get("services")
        for title, path in made.logs() if made else []:
            report.sections.append((title, tail(path, 60)))
