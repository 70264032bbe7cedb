"""Find the stack's pins that an older version in overrides.txt contradicts.

The stack pins packages that nobody asked for too. One of them can need a newer version of a package
than the project overrides it with, or be newer than what the project overrides admits; then it has
to become older as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import canonicalize_name

from envkeep.project.requirements import Line

# As pip ("ml-dtypes 0.6.0 depends on numpy>=2.0.0") and uv ("ml-dtypes>=0.6.0 depends on ...") say.
_PACKAGE = (
    r"(?<!conclude that )\b(?P<name>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?(?: |[=>]=)"
    r"(?P<version>\d[\w.]*) depends on "
    r"(?P<needed>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?(?=[<>=!~])"
)
_NEWER = re.compile(_PACKAGE + r"[^\s>]*>=?(?P<least>\d[\w.]*)")
_OLDER = re.compile(_PACKAGE + r"[^\s<]*<(?P<most>=?\d[\w.]*)")
_EXACTLY = re.compile(_PACKAGE + r"==(?P<exact>\d[\w.]*)(?![\w.]*[*])")
_EXACT = re.compile(r"==\s*(?P<version>\d[\w.]*)")
_BOUND = re.compile(r"(?P<operator>===?|~=|<=?|>=?)\s*(?P<version>\d[\w.]*)")
Pin = tuple[str, str]


def loosened(output: str, pins: Iterable[Line], overrides: Iterable[Line]) -> list[str]:
    """Return lines for overrides.txt that let the contradicted pins become older.

    Args:
        output: What a resolver printed as it failed.
        pins: The pins of the stack that hold.
        overrides: The versions that replace others of the stack.
    """
    stack = {line.name: version for line in pins if (version := _exact(line))}
    own = {line.name: line.text.partition(";")[0] for line in overrides}
    said = re.sub(r"\{[^}]*\}", "", " ".join(output.split()))  # uv's markers
    found = dict(_too_new(said, stack, own))
    found.update(_not_old_enough(said, stack, own))
    return list(found.values())


def _too_new(
    said: str, stack: Mapping[str, str], own: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield lines for pins that need a newer version of what is overridden."""
    for need in (*_NEWER.finditer(said), *_EXACTLY.finditer(said)):
        name, version = canonicalize_name(need["name"]), need["version"]
        least = need.groupdict().get("least") or need["exact"]
        has = own.get(canonicalize_name(need["needed"]))
        if has and stack.get(name) == version and _is_below(has, least):
            yield name, f"{name}<{version}"


def _not_old_enough(
    said: str, stack: Mapping[str, str], own: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield lines for pins that are newer than what is overridden admits."""
    for need in _OLDER.finditer(said):
        needed, most = canonicalize_name(need["needed"]), need["most"]
        pin = stack.get(needed)
        if pin and _admits(own, need) and not _is_under(pin, most):
            yield needed, f"{needed}<{most}"
    for need in _EXACTLY.finditer(said):
        needed, exact = canonicalize_name(need["needed"]), need["exact"]
        pin = stack.get(needed)
        if pin and _admits(own, need) and _numbers(pin) > _numbers(exact):
            yield needed, f"{needed}<={exact}"


def _is_under(version: str, most: str) -> bool:
    """Tell whether a version is under a bound, or is the bound itself if that begins with ``=``."""
    least, bound = _numbers(version), _numbers(most)
    return least <= bound if most.startswith("=") else least < bound


def _is_below(has: str, least: str) -> bool:
    """Tell whether each version that a requirement admits is below another version."""
    needed = _numbers(least)
    return any(
        _numbers(bound["version"]) < needed
        if bound["operator"] in ("==", "===", "<=")
        else bound["operator"] == "<" and _numbers(bound["version"]) <= needed
        for bound in _BOUND.finditer(has)
    )


def _admits(own: Mapping[str, str], need: re.Match[str]) -> bool:
    """Tell whether the package that needs something is overridden, with a version like this one."""
    has = own.get(canonicalize_name(need["name"]))
    exact = _EXACT.search(has) if has else None
    return has is not None and (exact is None or exact["version"] == need["version"])


def _exact(line: Line) -> str:
    found = _EXACT.search(line.text)
    return found["version"] if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version without the zeros at its end: 2.0 is 2."""
    return tuple(map(int, re.findall(r"\d+", re.sub(r"(\.0+)+$", "", version))))
