"""Ask a service of vulnerabilities whether it answers; run by the Python of the pinned tools.

The only argument is ``pypi``, or the address of OSV or a mirror of it. Prints why it does not.
"""

from __future__ import annotations

import sys
from typing import Any

import pip
from pip._internal.models.index import PyPI
from pip._vendor import requests  # type: ignore[import-untyped,unused-ignore]

PATIENCE = (5, 15)  # seconds to connect, and between two parts of an answer


def answer(service: str) -> str:
    """Return why a service does not answer a question as pip-audit asks it, or nothing."""
    package, version = "pip", pip.__version__
    try:
        if service == "pypi":
            address = f"{PyPI.pypi_url}/{package}/{version}/json"
            found = requests.get(address, timeout=PATIENCE)
        else:
            question: Any = {"package": {"name": package, "ecosystem": "PyPI"}, "version": version}
            found = requests.post(service, json=question, timeout=PATIENCE)
    except (requests.RequestException, ValueError) as error:
        return str(error)
    return "" if found.ok else f"{found.url} answers with {found.status_code}"


if __name__ == "__main__":
    reason = answer(sys.argv[1])
    print(reason)
    sys.exit(1 if reason else 0)
