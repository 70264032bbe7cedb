# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""What differs between two locks, and the locks in between that hold a part of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..lock_format import render
from .ends import End, Package

ORDER = "(order)"
"""The name of the change that is none of a package; no package can have it."""


@dataclass(frozen=True)
class Change:
    """A package that is another one in the bad lock, or the order in which they are installed.

    Attributes:
        name: Normalised name of the package, or ``ORDER``.
        old: What the good lock holds of it.
        new: What the bad lock holds of it.
    """

    name: str
    old: Package | None = None
    new: Package | None = None

    def __str__(self) -> str:
        """Return it as people read it."""
        if self.name == ORDER:
            return "the order of the layers"
        if not self.old or not self.new:
            there = self.old or self.new
            return f"{self.name} {there.version if there else ''}, {self._came_or_went}"
        if self.old.version == self.new.version:
            return f"{self.name} {self.new.version} in other files"
        return f"{self.name} {self.old.version} -> {self.new.version}"

    @property
    def _came_or_went(self) -> str:
        return "which is new" if self.new else "which is gone"

    @property
    def is_major(self) -> bool:
        """Whether the first number of the version changes."""
        if not self.old or not self.new:
            return False
        return self.old.version.split(".")[0] != self.new.version.split(".")[0]


def between(good: End, bad: End) -> list[Change]:
    """Return what differs, by name; the order last."""
    found = []
    for name in sorted(good.packages.keys() | bad.packages.keys()):
        old, new = good.packages.get(name), bad.packages.get(name)
        if not (old and new and old.is_same(new)):
            found.append(Change(name, old, new))
    if _is_ordered_otherwise(good, bad):
        found.append(Change(ORDER))
    return found


def mixed(good: End, bad: End, changes: Sequence[Change], applied: Collection[str]) -> End:
    """Return the good lock with some of the changes.

    Args:
        good: The lock without any of them.
        bad: The lock with all of them.
        changes: What differs between the two.
        applied: The names of the changes that it shall have.
    """
    if not applied:
        return good
    if len(applied) == len(changes):
        return bad
    first, second = (bad, good) if ORDER in applied else (good, bad)
    packages = {**second.packages, **first.packages}  # unchanged ones lie where the order says
    for change in changes:
        if change.name == ORDER:
            continue
        wanted = change.new if change.name in applied else change.old
        packages.pop(change.name, None)
        if wanted:
            packages[change.name] = wanted
    title = f"{len(applied)} of {len(changes)} changes"
    texts = {layer: _text(layer, packages) for layer in _merged(first.layers, second.layers)}
    return End(title, texts)


def _text(layer: str, packages: dict[str, Package]) -> str:
    entries = (package.entries.get(layer) for package in packages.values())
    return render([entry for entry in entries if entry], "Made by `make bisect`.")


def _is_ordered_otherwise(good: End, bad: End) -> bool:
    """Tell whether layers, or packages that are the same in both, are installed in another order.

    A package can have moved from one layer into another.
    """
    common = set(good.layers) & set(bad.layers)
    orders = [[layer for layer in end.layers if layer in common] for end in (good, bad)]
    if orders[0] != orders[1]:
        return True
    return any(
        old.is_same(new) and set(old.entries) & common != set(new.entries) & common
        for name, old in good.packages.items()
        if (new := bad.packages.get(name))
    )


def _merged(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Return an order of layers with those that only another one has, after their predecessors."""
    found = [*first]
    for position, layer in enumerate(second):
        if layer not in found:
            before = [each for each in second[:position] if each in found]
            found.insert(found.index(before[-1]) + 1 if before else 0, layer)
    return found
