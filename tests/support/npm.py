"""Packages of npm, each fetched once, by npm as it is configured, into .run/npm."""

import fcntl
import os
import shutil
import subprocess

from .process import Failure

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FETCH_S = 80


def there():
    return bool(shutil.which("node") and shutil.which("npm"))


def package(name, version):
    """The folder whose node_modules has the package; fetches it if it is not there."""
    home = os.path.join(TOP, ".run", "npm")
    folder = os.path.join(home, f"{name.replace('/', '-')}-{version}")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(folder):
            _fetch(f"{name}@{version}", folder)
    return folder


def _fetch(what, folder):
    """All of it, or nothing is there."""
    made = folder + ".part"
    shutil.rmtree(made, ignore_errors=True)
    os.makedirs(made)
    command = ["npm", "install", "--prefix", made, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--no-update-notifier",
               "--fetch-retries", "1", "--fetch-timeout", str(FETCH_S * 500), what]
    try:
        done = subprocess.run(command, cwd=made, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=FETCH_S,
                              check=False)
        fault = f"status {done.returncode}\n{done.stdout.decode(errors='replace')}" if done.returncode else None
    except subprocess.TimeoutExpired as error:
        fault = f"not within {FETCH_S} s\n{(error.stdout or b'').decode(errors='replace')}"
    if fault:
        shutil.rmtree(made, ignore_errors=True)
        raise Failure(f"{what} could not be fetched: does npm, as it is configured here, reach a registry? {' '.join(command)}: {fault}")
    os.rename(made, folder)
