"""A network of its own, with name servers of ours: what a test does in it leaves it for nowhere. Needs root.

    with Island(directory, ["192.31.196.1"]) as island:
        site = FaultSite(sock=island.listen("192.31.196.1", 80))
        with Names(island) as names:
            names.answers["some.test"] = [["192.31.196.1"], ["127.0.0.1"]]     # in turn
            subprocess.run(island.enter("fetcher", "--once", "http://some.test/"))

It is a network namespace that has a loopback device and no other; addresses given are addresses of that device. A mount
namespace makes 127.0.0.1 its name server. Both end with the process that holds them, which ends with us.
"""

import collections
import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import threading

from .process import Failure

CLONE_NEWNET = 0x40000000
TYPES = {1: socket.AF_INET, 28: socket.AF_INET6}  # A, AAAA

SETUP = """\
set -e
ip link set lo up
for address in "$@"; do ip address add "$address" dev lo; done
mount --bind "$0/resolv.conf" "$(readlink -f /etc/resolv.conf)"
mount --bind "$0/nsswitch.conf" "$(readlink -f /etc/nsswitch.conf)"
echo ready
exec cat
"""


class Island:
    """addresses: those it has besides 127.0.0.0/8 and ::1."""

    def __init__(self, directory, addresses):
        for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:8 attempts:1\n"), ("nsswitch.conf", "hosts: dns\n")):
            with open(os.path.join(directory, name), "w", encoding="ascii") as f:
                f.write(text)
        self._keeper = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", SETUP, directory, *addresses],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = self._keeper.stdout.readline()
        if said != b"ready\n":
            self.close()
            raise Failure(f"no network namespace (needs root): {said.decode(errors='replace')}")

    def enter(self, *command):
        """The command that runs this one inside."""
        ns = f"/proc/{self._keeper.pid}/ns"
        return ["nsenter", f"--net={ns}/net", f"--mount={ns}/mnt", "--", *command]

    def socket(self, address, port, kind=socket.SOCK_STREAM):
        """A socket bound inside. It stays inside, whoever uses it."""
        made = []

        def make():
            with open(f"/proc/{self._keeper.pid}/ns/net", "rb") as ns:
                if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), CLONE_NEWNET) != 0:
                    return
            s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((address, port))
            made.append(s)

        thread = threading.Thread(target=make)  # a thread has a network namespace of its own
        thread.start()
        thread.join()
        if not made:
            raise Failure(f"no socket for {address} port {port} in the network namespace")
        return made[0]

    def listen(self, address, port):
        s = self.socket(address, port)
        s.listen(100)
        return s

    def close(self):
        self._keeper.stdin.close()
        self._keeper.wait(30)
        self._keeper.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Relay:
    """A way out of an Island: a port of its 127.0.0.1 that leads to the same one outside."""

    def __init__(self, island, port):
        self._port = int(port)
        self._listener = island.listen("127.0.0.1", self._port)
        self._ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                inner = self._listener.accept()[0]
                outer = socket.create_connection(("127.0.0.1", self._port))
                self._ends += [inner, outer]
                for ends in ((inner, outer), (outer, inner)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    @staticmethod
    def _pass_on(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)

    def close(self):
        for s in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Names:
    """The name server of an Island. answers: name to lists of addresses, one list for each query, in turn, for ever.

    A name begins with "*." to stand for all names below. Answers may be kept for 0 s. broken: a function of a name, true if the answer to
    this query is that the server has failed.
    """

    def __init__(self, island):
        self.answers = {}
        self.broken = lambda name: False
        self.asked = collections.Counter()  # queries for IPv4 addresses by name
        self._turns = collections.Counter()
        self._socket = island.socket("127.0.0.1", 53, socket.SOCK_DGRAM)
        self._socket.settimeout(0.1)
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._over:
            with contextlib.suppress(TimeoutError):
                query, peer = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(query), peer)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii").lower())
            at += 1 + query[at]
        kind, = struct.unpack_from("!H", query, at + 1)
        name = ".".join(labels)
        known = name if name in self.answers else "*." + ".".join(labels[1:])
        found = []
        if known in self.answers and kind in TYPES:
            lists = self.answers[known]
            found = [socket.inet_pton(TYPES[kind], a) for a in lists[self._turns[known, kind] % len(lists)] if (":" in a) == (kind == 28)]
            self._turns[known, kind] += 1
        if kind == 1:
            self.asked[name] += 1
        flags = 0x8180 if known in self.answers else 0x8183  # no error; no such name
        if self.broken(name):
            flags, found = 0x8182, []
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        return head + query[12:at + 5] + b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(a)) + a for a in found)

    def close(self):
        self._over = True
        self._thread.join()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
