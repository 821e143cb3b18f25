"""What the fetcher must not do, whatever a site tries: where it connects, what it believes, what it sends, how much it takes."""

import concurrent.futures
import contextlib
import os
import subprocess

import pytest

from support.fault_site import FAULTS, MIB, FaultSite
from support.island import Island, Names
from support.stack import base_env

# Addresses that count as public and belong to nobody who could be meant: AS112's, RFC 7535. They stay within the test's network.
HERE, THERE = "192.31.196.1", "192.31.196.2"


@pytest.fixture(scope="module")
def island(run_dir):
    with Island(run_dir.subdir("island"), [f"192.31.196.{i}" for i in range(1, 10)]) as made:
        yield made


@pytest.fixture
def names(island):
    with Names(island) as made:
        yield made


@pytest.fixture
def run(bin_dir, run_dir):
    """Runs the fetcher with arguments, without a broker; inside an Island if one is given."""
    fetcher = os.path.join(bin_dir, "fetcher")

    def run(*arguments, inside=None, text="", **env):
        command = [fetcher, *arguments]
        return subprocess.run(inside.enter(*command) if inside else command, env=base_env(run_dir.path) | env, input=text.encode(),
                              capture_output=True, timeout=180, check=False)
    return run


def verdict(done):
    """Code and all words of --once."""
    words = done.stderr.decode()
    return words.split()[1], words


def codes(done):
    """URL to code of --batch."""
    return {line.split(" ", 4)[4]: line.split(" ", 4)[3] for line in done.stdout.decode().splitlines()[:-1]}


# Where it connects ----------------------------------------------------------------------------------------------------

def test_names_are_judged_when_it_connects(island, names, run):
    """A name that gives a public address to a check, and then a private one, gains nothing: what is judged is what is connected to."""
    with FaultSite(sock=island.listen(HERE, 80)) as outer, FaultSite(sock=island.listen("127.0.0.1", 80)) as inner:
        names.answers["rebind.test"] = [[HERE], ["127.0.0.1"]]
        got = [verdict(run("--once", "http://rebind.test/ok", inside=island)) for _ in range(6)]
        assert [code for code, _ in got] == ["OK", "ADDRESS_BLOCKED"] * 3, got
        assert "loopback address 127.0.0.1" in got[1][1]
        assert names.asked["rebind.test"] == 6 and outer.connections == 3  # one question for each connection

        # Many at once in one process, each asked for twice: connections and answers are kept, so how many are fine is chance.
        names.answers["*.many.test"] = [[HERE], ["127.0.0.1"]]
        urls = [f"http://{i}.many.test/ok" for i in range(40)]
        got = codes(run("--batch", "-", inside=island, text="\n".join(urls + urls)))
        assert len(got) == 40 and set(got.values()) == {"ADDRESS_BLOCKED", "OK"}

        # Both in one answer: the public one refuses, the other one is not tried.
        names.answers["both.test"] = [[HERE, "127.0.0.1"], ["127.0.0.1", HERE]]
        with FaultSite(sock=island.listen("127.0.0.1", 8081)) as other:
            got = [verdict(run("--once", "http://both.test:8081/ok", inside=island))[0] for _ in range(4)]
            assert got == ["CONNECT_FAIL"] * 4 and other.connections == 0
        assert inner.connections == 0


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
                                     "fd00:ec2::254", "fe80::1"])
def test_names_of_private_addresses(island, names, run, address):
    names.answers["private.test"] = [[address]]
    code, words = verdict(run("--once", "http://private.test/ok", inside=island))
    assert code == "ADDRESS_BLOCKED", words


def test_permitted_networks_and_ports(island, names, run):
    names.answers["inner.test"] = [["127.0.0.1"]]
    with FaultSite(sock=island.listen("127.0.0.1", 6000)) as site:
        url, allowed = "http://inner.test:6000/ok", {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8"}
        code, words = verdict(run("--once", url, inside=island, **allowed))
        assert code == "ADDRESS_BLOCKED" and "port 6000 of 127.0.0.1" in words and site.connections == 0
        assert verdict(run("--once", url, inside=island, FETCH_ALLOW_PORTS="6000"))[0] == "ADDRESS_BLOCKED"
        assert verdict(run("--once", url, inside=island, FETCH_ALLOW_PORTS="22,6000", **allowed))[0] == "OK"


def test_proxies_of_the_environment_are_not_used(island, run):
    with FaultSite(sock=island.listen(THERE, 3128)) as proxy, FaultSite(sock=island.listen(HERE, 8080)) as site:
        there = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"), f"http://{THERE}:3128")
        assert verdict(run("--once", site.url("/ok"), inside=island, **there))[0] == "OK"
        assert proxy.connections == 0 and site.connections == 1


# Whom it believes -----------------------------------------------------------------------------------------------------

class Authority:
    """A certificate authority of this run; and certificates without one."""

    def __init__(self, directory):
        self.directory = directory
        self.path = self._make("authority", "-addext", "basicConstraints=critical,CA:TRUE")

    def _make(self, name, *how):
        """A PEM file with key and certificate."""
        path = os.path.join(self.directory, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                        "-keyout", path + ".key", "-out", path + ".pem", *how], check=True, capture_output=True, timeout=180)
        with open(path + ".pem", "a", encoding="ascii") as out, open(path + ".key", encoding="ascii") as key:
            out.write(key.read())
        return path + ".pem"

    def issue(self, name, days=2):
        path = os.path.join(self.directory, name)
        extensions = path + ".ext"
        with open(extensions, "w", encoding="ascii") as out:
            out.write(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n")
        subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                        "-keyout", path + ".key", "-out", path + ".csr"], check=True, capture_output=True, timeout=180)
        subprocess.run(["openssl", "x509", "-req", "-in", path + ".csr", "-CA", self.path, "-CAkey", self.path, "-CAcreateserial",
                        "-extfile", extensions, "-days", str(days), "-out", path + ".pem"], check=True, capture_output=True, timeout=180)
        with open(path + ".pem", "a", encoding="ascii") as out, open(path + ".key", encoding="ascii") as key:
            out.write(key.read())
        return path + ".pem"

    def self_signed(self, name):
        return self._make(name, "-days", "2", "-addext", f"subjectAltName=DNS:{name}")


def test_certificates(island, names, run, run_dir):
    """On port 443 of names that resolve: only the right certificate of the authority in FETCH_CA_FILE is taken."""
    ours, strangers = Authority(run_dir.subdir("ca")), Authority(run_dir.subdir("strangers"))
    made = {
        "right.test": (ours.issue("right.test"), "OK", ""),
        "wrong.test": (ours.issue("elsewhere.test"), "TLS", "subject name"),
        "expired.test": (ours.issue("expired.test", days=-1), "TLS", "expired"),
        "self.test": (ours.self_signed("self.test"), "TLS", "self-signed"),
        "stranger.test": (strangers.issue("stranger.test"), "TLS", "unable to get local issuer"),
    }
    with contextlib.ExitStack() as stack:
        sites = {}
        for i, (name, (certificate, _, _)) in enumerate(made.items(), 1):
            names.answers[name] = [[f"192.31.196.{i}"]]
            sites[name] = stack.enter_context(FaultSite(sock=island.listen(f"192.31.196.{i}", 443), certificate=certificate))
        for name, (_, code, why) in made.items():
            got, words = verdict(run("--once", f"https://{name}/ok", inside=island, FETCH_CA_FILE=ours.path))
            assert got == code and why in words, words
            # the system's authorities know none of them
            assert verdict(run("--once", f"https://{name}/ok", inside=island))[0] == "TLS"
        # an address is not the name
        assert verdict(run("--once", "https://192.31.196.1/ok", inside=island, FETCH_CA_FILE=ours.path))[0] == "TLS"
        # several in one process: what one was trusted for says nothing about another one on the same address
        names.answers["other.test"] = [["192.31.196.1"]]
        got = codes(run("--batch", "-", inside=island, text="https://right.test/ok\nhttps://other.test/ok\n", FETCH_CA_FILE=ours.path,
                        FETCH_CONCURRENCY="1"))
        assert got == {"https://right.test/ok": "OK", "https://other.test/ok": "TLS"}
        # nobody but the right one was sent a request
        assert {name for name, site in sites.items() if site.requests} == {"right.test"} and len(sites["right.test"].requests) == 2


# What it sends ----------------------------------------------------------------------------------------------------------

def test_cookies_and_credentials_are_not_kept(run):
    """One process, one connection: what a page sets, the next request does not carry; nor what a URL carries."""
    with FaultSite() as site:
        secret = site.url("/echo").replace("http://", "http://me:secret@")
        text = "\n".join([site.url("/cookie"), site.url("/redirect-cookie"), site.url("/cookie"), secret, site.url("/echo")])
        done = run("--batch", "-", text=text, FETCH_CONCURRENCY="1", FETCH_ALLOW_NETWORKS="127.0.0.0/8")
        assert len(site.requests) == 5 and site.connections == 1
        sent = {name for _, request in site.requests for name, _ in request.headers}
        assert sent == {"Host", "User-Agent", "Accept", "Accept-Encoding"}, sent
        assert b"secret" not in done.stdout
        _, words = verdict(run("--once", site.url("/redirect-credentials"), FETCH_ALLOW_NETWORKS="127.0.0.0/8"))
        assert "location=http://other.example/z" in words


# How much it takes ------------------------------------------------------------------------------------------------------

LOCAL = {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8"}

# The page, settings of the run, the code, and words that only this limit uses.
CAPS = [
    ("/many-headers", {}, "TOO_LARGE", "more than 65536 bytes of headers"),
    ("/long-header", {}, "TOO_LARGE", "a header line that is too long"),
    ("/endless-hints", {}, "TOO_LARGE", "more than 65536 bytes of headers"),
    ("/endless-trailer", {}, "TOO_LARGE", "more than 65536 bytes of headers"),
    ("/huge-announced", {}, "TOO_LARGE", "11534336 bytes announced, at most 10485760 are taken (FETCH_MAX_BYTES)"),
    ("/huge", {}, "TOO_LARGE", "more than 10485760 bytes (FETCH_MAX_BYTES)"),
    ("/ok", {"FETCH_MAX_BYTES": "1000"}, "TOO_LARGE", "1639 bytes announced, at most 1000 are taken"),
    ("/gzip", {"FETCH_MAX_BYTES": "1000"}, "TOO_LARGE", "more than 1000 bytes"),
    ("/bomb-gzip", {}, "TOO_LARGE", "more than 10485760 bytes"),
    ("/bomb-deflate", {}, "TOO_LARGE", "more than 10485760 bytes"),
    ("/bomb-br", {}, "TOO_LARGE", "more than 10485760 bytes"),
    ("/bomb-zstd", {}, "TOO_LARGE", "more than 10485760 bytes"),
    ("/bomb-empty", {}, "TOO_LARGE", "compressed bytes, at most 10551296 are taken"),
    ("/bomb-layers", {}, "BAD_ENCODING", "compressed 2 times over"),
    ("/bomb-hints", {}, "BAD_ENCODING", "compressed 1 times over, and 1 times in transfer"),
    ("/slow-first-byte", {"FETCH_FIRST_BYTE_TIMEOUT": "2s"}, "TIMEOUT", "no answer within 2"),
    ("/stall", {"FETCH_TIMEOUT": "3s"}, "TIMEOUT", "not done after 3"),
    ("/slow-head", {"FETCH_TIMEOUT": "3s"}, "TIMEOUT", "not done after 3"),
    ("/drip", {"FETCH_LOW_SPEED": "64"}, "TIMEOUT", "fewer than 64 bytes a second"),
    ("/slow-head", {"FETCH_LOW_SPEED": "64"}, "TIMEOUT", "fewer than 64 bytes a second"),
    ("/drip", {"FETCH_LOW_SPEED": "10", "FETCH_TIMEOUT": "13s"}, "TIMEOUT", "not done after 13"),
]


def test_each_limit_ends_a_fetch_with_its_code_and_words(run):
    def one(row):
        path, env, _, _ = row
        return verdict(run("--once", site.url(path), **LOCAL | env))

    with FaultSite() as site, concurrent.futures.ThreadPoolExecutor(8) as pool:
        for (path, env, code, why), (got, words) in zip(CAPS, pool.map(one, CAPS)):
            assert got == code and why in words, (path, env, words)


# Runs a command, then says what memory it had at most, in KiB. (A child of ours would be said to have had ours.)
PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def test_bombs_take_no_memory(bin_dir, run_dir):
    """All kinds, eight at once, a hundred in all: a body each, at most."""
    bombs = [path for path in FAULTS if path.startswith("/bomb-")]
    with FaultSite() as site:
        text = "\n".join(site.url(path) for path in bombs * 12)
        env = base_env(run_dir.path) | LOCAL | {"FETCH_CONCURRENCY": "8", "ASAN_OPTIONS": "quarantine_size_mb=1"}
        done = subprocess.run(["/usr/bin/python3", "-c", PEAK, os.path.join(bin_dir, "fetcher"), "--batch", "-"], input=text.encode(), env=env,
                              capture_output=True, timeout=180, check=True)
    *rows, _summary, peak = done.stdout.decode().splitlines()
    rows = [row.split(" ", 4) for row in rows]
    assert {row[4]: row[3] for row in rows} == {site.url(path): FAULTS[path].code for path in bombs} and len(rows) == 12 * len(bombs)
    assert int(peak) * 1024 < (8 * 10 + 20) * MIB
