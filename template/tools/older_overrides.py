# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Find the stack's pins that an older version in overrides.txt contradicts.

The stack pins packages that nobody asked for too. One of them can need a newer version of a package
than the project overrides it with, or be newer than what the project overrides admits; then it has
to become older as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .requirements import Line, normalised

# As pip ("ml-dtypes 0.6.0 depends on numpy>=2.0.0") and uv ("ml-dtypes>=0.6.0 depends on ...") say.
_PACKAGE = (
    r"(?<!conclude that )\b(?P<name>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?(?: |[=>]=)"
    r"(?P<version>\d[\w.]*) depends on "
    r"(?P<needed>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?"
)
_NEWER = re.compile(_PACKAGE + r"(?=[<>=!~])[^\s>]*>=?(?P<least>\d[\w.]*)")
_OLDER = re.compile(_PACKAGE + r"(?=[<>=!~])[^\s<]*<(?P<most>\d[\w.]*)")
_EXACT = re.compile(r"==\s*(?P<version>\d[\w.]*)")
Pin = tuple[str, str]


def loosened(output: str, pins: Iterable[Line], overrides: Iterable[Line]) -> list[str]:
    """Return lines for overrides.txt that let the contradicted pins become older.

    Args:
        output: What a resolver printed as it failed.
        pins: The pins of the stack that hold.
        overrides: The versions that replace others of the stack.
    """
    stack = {(line.name, version) for line in pins if (version := _exact(line))}
    own = {line.name: version for line in overrides if (version := _exact(line))}
    said = " ".join(output.split())
    return [*_too_new(said, stack, own), *_not_old_enough(said, stack, own)]


def _too_new(said: str, stack: set[Pin], own: dict[str, str]) -> Iterator[str]:
    """Yield lines for pins that need a newer version of what is overridden."""
    found = {}
    for need in _NEWER.finditer(said):
        name, version = normalised(need["name"]), need["version"]
        has = own.get(normalised(need["needed"]))
        if has and (name, version) in stack and _numbers(has) < _numbers(need["least"]):
            found[name] = f"{name}<{version}"
    yield from found.values()


def _not_old_enough(said: str, stack: set[Pin], own: dict[str, str]) -> Iterator[str]:
    """Yield lines for pins that are newer than what is overridden admits."""
    pinned, found = dict(stack), {}
    for need in _OLDER.finditer(said):
        needed, most = normalised(need["needed"]), need["most"]
        is_own = own.get(normalised(need["name"])) == need["version"]
        if is_own and needed in pinned and _numbers(pinned[needed]) >= _numbers(most):
            found[needed] = f"{needed}<{most}"
    yield from found.values()


def _exact(line: Line) -> str:
    found = _EXACT.search(line.text)
    return found["version"] if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
