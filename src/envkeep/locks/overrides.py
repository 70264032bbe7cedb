"""Find the pins of the stack that contradict an older version in overrides.txt.

The stack pins packages that nobody asked for too. One of them can need a newer version of a package
than the project overrides it with, or be newer than what the project overrides admits; then it has
to become older as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envkeep.project.requirements import Line
from envkeep.project.versions import is_same, version_of

# As pip ("ml-dtypes 0.6.0 depends on numpy>=2.0.0") and uv ("ml-dtypes>=0.6.0 depends on ...") say.
_CLAUSE = r"(?:===?|~=|!=|<=?|>=?)[\w.+!*]*[\w*]"
_DEPENDS = re.compile(
    r"(?<!conclude that )\b(?P<name>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?(?: |[=>]=)"
    r"(?P<version>\d[\w.+!]*) depends on "
    rf"(?P<needed>[A-Za-z0-9][\w.-]*?)(?:\[[^\]]*\])?(?P<bounds>{_CLAUSE}(?:,{_CLAUSE})*)"
)
_UPPER = ("==", "===", "<=", "<", "~=")


@dataclass(frozen=True)
class _Need:
    """A dependency of a version, as a resolver reports it."""

    name: str
    version: str
    needed: str
    bounds: SpecifierSet


def loosened(output: str, pins: Iterable[Line], overrides: Iterable[Line]) -> list[str]:
    """Return lines for overrides.txt that let the contradicted pins become older.

    Args:
        output: What a resolver printed as it failed.
        pins: The pins of the stack that hold.
        overrides: The versions that replace others of the stack.
    """
    stack = {line.name: version for line in pins if (version := version_of(line.exact_version))}
    own = {line.name: line for line in overrides}
    needs = list(_needs(re.sub(r"\{[^}]*\}", "", " ".join(output.split()))))  # less uv's markers
    found = dict(_too_new(needs, stack, own))
    found.update(_not_old_enough(needs, stack, own))
    return list(found.values())


def _needs(said: str) -> Iterator[_Need]:
    for found in _DEPENDS.finditer(said):
        name, needed = (canonicalize_name(found[each]) for each in ("name", "needed"))
        try:
            yield _Need(name, found["version"], needed, SpecifierSet(found["bounds"]))
        except InvalidSpecifier:
            continue


def _too_new(
    needs: Iterable[_Need], stack: Mapping[str, Version], own: Mapping[str, Line]
) -> Iterator[tuple[str, str]]:
    """Yield lines for pins that need a newer version of what is overridden."""
    for need in needs:
        has = own[need.needed].requirement if need.needed in own else None
        least = _least(need.bounds)
        is_pinned = need.name in stack and is_same(str(stack[need.name]), need.version)
        if has and least and is_pinned and _is_below(has.specifier, least):
            yield need.name, f"{need.name}<{need.version}"


def _not_old_enough(
    needs: Iterable[_Need], stack: Mapping[str, Version], own: Mapping[str, Line]
) -> Iterator[tuple[str, str]]:
    """Yield lines for pins that are newer than what is overridden admits."""
    for need in needs:
        pin = stack.get(need.needed)
        for bound in need.bounds if pin and _is_overridden(need, own) else ():
            if pin and _is_above(pin, bound):
                operator = bound.operator if bound.operator in ("<", "<=") else "<="
                yield need.needed, f"{need.needed}{operator}{bound.version}"


def _least(bounds: SpecifierSet) -> Version | None:
    """Return the lowest version within bounds, or None."""
    lower = (each.version for each in bounds if each.operator in ("==", "===", "~=", ">=", ">"))
    return max(filter(None, map(version_of, lower)), default=None)


def _is_below(bounds: SpecifierSet, least: Version) -> bool:
    """Tell whether each version that bounds admit is below another version."""
    return any(
        bound.operator in _UPPER
        and not bound.contains(least, prereleases=True)
        and Version(bound.version.removesuffix(".*")) <= least
        for bound in bounds
    )


def _is_above(pin: Version, bound: Specifier) -> bool:
    """Tell whether a pin is newer than an upper bound, or than the only version, admits."""
    version = version_of(bound.version)  # there is none of ``==1.*``
    is_upper = bound.operator in ("<", "<=", "==", "===")
    return is_upper and version is not None and pin >= version and not bound.contains(pin, True)


def _is_overridden(need: _Need, own: Mapping[str, Line]) -> bool:
    """Tell whether the package that needs something is overridden, with a version like this one."""
    exact = own[need.name].exact_version if need.name in own else None
    return exact is not None and (not exact or is_same(exact, need.version))
