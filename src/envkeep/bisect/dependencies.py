"""Which changes of packages need which others: what is installed at both ends says so.

A program of its own, run by the Python of the pinned tools, which have ``packaging``. It reads from
its standard input, as JSON, the folders of both environments, the names of the packages that
changed, and the requirements that people wrote. It prints the needs as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

Installed = dict[str, Distribution]
Extras = dict[str, set[str]]


def installed(environment: Path) -> Installed:
    """Return what is installed in an environment, by name."""
    patterns = ("lib/python*/site-packages", "Lib/site-packages")
    folders = [str(path) for pattern in patterns for path in environment.glob(pattern)]
    found = distributions(path=folders)
    return {canonicalize_name(each.name): each for each in found if each.name}


def extras_in_use(there: Installed, written: Iterable[str]) -> Extras:
    """Return the extras that people, or installed packages, ask for, by package."""
    found: Extras = {}
    for text in written:
        _add(found, _parsed(text))
    size = -1
    while size != (size := sum(map(len, found.values()))):
        for name in there:
            for requirement in demands_of(there, name, found):
                _add(found, requirement)
    return found


def demands_of(there: Installed, name: str, extras: Extras) -> Iterator[Requirement]:
    """Yield what an installed package needs here, with its extras that are in use."""
    for text in there[name].requires or ():
        requirement = _parsed(text)
        wanted = extras.get(name, set()) | {""}
        if requirement and (
            requirement.marker is None
            or any(requirement.marker.evaluate({"extra": extra}) for extra in wanted)
        ):
            yield requirement


def is_met(requirement: Requirement, there: Installed) -> bool:
    """Tell whether what is installed satisfies a requirement."""
    found = there.get(canonicalize_name(requirement.name))
    return found is not None and requirement.specifier.contains(found.version, prereleases=True)


def needs(
    changed: Iterable[str], ends: Mapping[str, Installed], written: Iterable[str]
) -> list[dict[str, str]]:
    """Return which change cannot be made without which other.

    A new version can need another package's new version; and an old version can forbid it, so that
    the other one cannot change as long as it is old. What an end itself does not keep counts not.
    """
    names = set(changed)
    written = [*written]
    good, bad = ends["good"], ends["bad"]
    found = []
    for own, other, is_new in ((bad, good, True), (good, bad, False)):
        extras = extras_in_use(own, written)
        for name in sorted(names & own.keys()):
            for requirement in demands_of(own, name, extras):
                needed = canonicalize_name(requirement.name)
                relevant = needed in names and needed != name
                if relevant and is_met(requirement, own) and not is_met(requirement, other):
                    reason = f"{name} {own[name].version} needs {_written(requirement)}"
                    pair = (name, needed) if is_new else (needed, name)
                    found.append({"change": pair[0], "needs": pair[1], "reason": reason})
    return found


def _add(found: Extras, requirement: Requirement | None) -> None:
    if requirement and requirement.extras:
        found.setdefault(canonicalize_name(requirement.name), set()).update(requirement.extras)


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _written(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def main() -> int:
    """Answer one question."""
    question = json.load(sys.stdin)
    ends = {name: installed(Path(question[name])) for name in ("good", "bad")}
    json.dump(needs(question["changed"], ends, question["written"]), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
