"""What a program says of itself at METRICS_ADDR."""

import re
import urllib.error
import urllib.request


def get(port, path):
    """(status, headers, text)"""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def counter(port, name):
    """The value of a metric without labels."""
    return float(re.search(rf"^{name} (\S+)$", get(port, "/metrics")[2], re.M)[1])
