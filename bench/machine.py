"""What is measured on: the machine, its disk, and what others take of it."""

import os
import re
import time


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        found = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.M)
    return found[1].strip() if found else "unknown CPU"


def memory_gib():
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def fsync_us(directory, seconds=1.0):
    """The median time of writing 8 KiB anew and fdatasync, in microseconds: what pg_test_fsync calls fdatasync."""
    path = os.path.join(directory, "fsync-test")
    times, block = [], os.urandom(8192)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(fd, b"\0" * (16 << 20), 0)
        os.fsync(fd)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.perf_counter()
            os.pwrite(fd, block, 0)
            os.fdatasync(fd)
            times.append(time.perf_counter() - begin)
    finally:
        os.close(fd)
        os.unlink(path)
    return sorted(times)[len(times) // 2] * 1e6


def busy_seconds():
    """CPU seconds the whole machine has worked since it was started (steal included: it was not ours)."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, _idle, _wait, irq, softirq, steal = (int(n) for n in f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def describe(directory):
    return (f"{os.cpu_count()} cores, {cpu_model()}, {memory_gib():.0f} GiB, kernel {os.uname().release}; "
            f"8 KiB write and fdatasync {fsync_us(directory):.0f} µs; load before {os.getloadavg()[0]:.2f}")
