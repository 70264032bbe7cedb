"""Compare the pins of two stack releases."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from envkeep.project.versions import has_other_major

PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", re.MULTILINE)
FILES = re.compile(r"requirements/stack/constraints[^/]*\.txt")


@dataclass(frozen=True)
class Move:
    """A package whose pins differ, with its versions before and after; empty where it has none."""

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def is_major(self) -> bool:
        """Whether the first number of the version changes."""
        return bool(self.old and self.new) and has_other_major(self.old[-1], self.new[-1])

    def __str__(self) -> str:
        if not self.new:
            return f"{self.name} {', '.join(self.old)} is no longer pinned"
        before = ", ".join(self.old) or "new"
        return f"{self.name} {before} -> {', '.join(self.new)}{' (major)' * self.is_major}"


def moves(before: str, after: str) -> list[Move]:
    """Compare the pins of two texts, majors first, then by name.

    Args:
        before: Constraints, one or more files of them.
        after: The same after the update.
    """
    old, new = _pins(before), _pins(after)
    moved = [
        Move(name, tuple(old.get(name, ())), tuple(new.get(name, ())))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    return sorted(moved, key=lambda move: not move.is_major)


def _pins(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, version in PIN.findall(text):
        versions = found.setdefault(canonicalize_name(name), [])
        if version not in versions:
            versions.append(version)
    return found
