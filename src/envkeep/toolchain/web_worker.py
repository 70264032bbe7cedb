"""Fetch what lies at addresses; run by the Python of the pinned tools.

It is a program of its own because only the ``requests`` that pip brings along finds certificates,
proxies and passwords as pip does, on systems too whose Python has no certificates.

Reads a list of ``{"address", "accept", "question"}`` as JSON; what has a question, itself JSON, is
sent by POST. Prints a list of ``{"status", "reason", "kind", "text"}``, in the same order. Where
nobody answers it prints why to the standard error, and ends with 1.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pip._vendor import requests  # type: ignore[attr-defined,unused-ignore]

PATIENCE = (5, 30)  # seconds to connect, and between two parts of an answer
AT_ONCE = 4


def fetch(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the response of an address."""
    headers = {"Accept": wanted["accept"]}
    method = "GET" if wanted["question"] is None else "POST"
    found = requests.request(
        method, wanted["address"], json=wanted["question"], headers=headers, timeout=PATIENCE
    )
    return {
        "status": found.status_code,
        "reason": str(found.reason),
        "kind": found.headers.get("Content-Type", "").partition(";")[0].strip(),
        "text": found.content.decode("utf-8", "replace"),
    }


def main() -> int:
    """Send the requests of the standard input; return 1 if no service was reached."""
    wanted = json.load(sys.stdin)
    try:
        found = [fetch(each) for each in wanted[:1]]  # without a network one try is enough
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found += pool.map(fetch, wanted[1:])
    except (requests.RequestException, ValueError) as error:  # an address can be none
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
