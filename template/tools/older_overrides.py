# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Find the stack's pins that an older version in overrides.txt contradicts.

The stack pins packages that nobody asked for too. One of them can need a newer version of a package
than the project overrides it with; then it has to become older as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .requirements import Line, normalised

# As pip ("ml-dtypes 0.6.0 depends on numpy>=2.0.0") and uv ("ml-dtypes>=0.6.0 depends on ...") say.
_NEED = re.compile(
    r"(?<!conclude that )\b(?P<name>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?(?: |[=>]=)"
    r"(?P<version>\d[\w.]*) depends on "
    r"(?P<needed>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?[^\s>]*>=?(?P<least>\d[\w.]*)"
)
_EXACT = re.compile(r"==\s*(?P<version>\d[\w.]*)")


def loosened(output: str, pins: Iterable[Line], overrides: Iterable[Line]) -> list[str]:
    """Return lines for overrides.txt that let the contradicted pins become older.

    Args:
        output: What a resolver printed as it failed.
        pins: The pins of the stack that hold.
        overrides: The versions that replace others of the stack.
    """
    stack = {(line.name, version) for line in pins if (version := _exact(line))}
    own = {line.name: version for line in overrides if (version := _exact(line))}
    lines = {}
    for need in _NEED.finditer(" ".join(output.split())):
        name, version = normalised(need["name"]), need["version"]
        has = own.get(normalised(need["needed"]))
        if has and (name, version) in stack and _numbers(has) < _numbers(need["least"]):
            lines[name] = f"{name}<{version}"
    return list(lines.values())


def _exact(line: Line) -> str:
    found = _EXACT.search(line.text)
    return found["version"] if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
