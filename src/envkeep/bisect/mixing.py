"""Compute the changes between two locks, and locks with only some of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from envkeep.bisect.endpoints import LayerLocks, LockedPackage
from envkeep.locks.lockfile import render_lock
from envkeep.project.versions import has_other_major

ORDER, FILES = "(order)", "(files)"
"""The names of the changes that are none of a package; no package can have them."""


@dataclass(frozen=True)
class PackageChange:
    """A package that differs in the bad lock, or a change of something else.

    Attributes:
        name: Normalized name of the package; ``ORDER``, in which they are installed; or ``FILES``,
            the hashes of packages whose versions are the same: an index can get more of them.
        old: What the good lock holds of it.
        new: What the bad lock holds of it.
    """

    name: str
    old: LockedPackage | None = None
    new: LockedPackage | None = None

    def __str__(self) -> str:
        if self.name == ORDER:
            return "the order of the layers"
        if self.name == FILES:
            return "other files of the same versions"
        if not self.old or not self.new:
            there = self.old or self.new
            return f"{self.name} {there.version if there else ''} ({self._came_or_went})"
        return f"{self.name} {self.old.version} -> {self.new.version}"

    @property
    def _came_or_went(self) -> str:
        return "new" if self.new else "removed"

    @property
    def is_major(self) -> bool:
        """Whether the first number of the version changes."""
        return bool(self.old and self.new and has_other_major(self.old.version, self.new.version))


def between(good: LayerLocks, bad: LayerLocks) -> list[PackageChange]:
    """Return what differs, by name; what is none of a package comes last."""
    found = []
    have_other_files = False
    for name in sorted(good.packages.keys() | bad.packages.keys()):
        old, new = good.packages.get(name), bad.packages.get(name)
        if not (old and new and old.requirement == new.requirement):
            found.append(PackageChange(name, old, new))
        elif old.hashes != new.hashes:
            have_other_files = True
    if have_other_files:
        found.append(PackageChange(FILES))
    if _is_ordered_otherwise(good, bad):
        found.append(PackageChange(ORDER))
    return found


def mixed(
    good: LayerLocks, bad: LayerLocks, changes: Sequence[PackageChange], applied: Collection[str]
) -> LayerLocks:
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
    ordered, other = (bad, good) if ORDER in applied else (good, bad)
    files = bad if FILES in applied else good
    changed = {change.name: change for change in changes}
    packages = []
    for name in good.packages.keys() | bad.packages.keys():
        if name in changed:
            packages.append(changed[name].new if name in applied else changed[name].old)
        else:
            packages.append(ordered.packages[name].with_hashes(files.packages[name].hashes))
    wanted = [package for package in packages if package]
    layers = _merged(ordered.layers, other.layers)
    title = f"{len(applied)} of {len(changes)} changes"
    return LayerLocks(title, {layer: _text(layer, wanted) for layer in layers})


def _text(layer: str, packages: Iterable[LockedPackage]) -> str:
    entries = (package.entries.get(layer) for package in packages)
    return render_lock([entry for entry in entries if entry], "Made by `make bisect`.")


def _is_ordered_otherwise(good: LayerLocks, bad: LayerLocks) -> bool:
    """Tell whether layers, or packages that are the same in both, are installed in another order.

    A package can have moved from one layer into another.
    """
    common = set(good.layers) & set(bad.layers)
    orders = [[layer for layer in locks.layers if layer in common] for locks in (good, bad)]
    if orders[0] != orders[1]:
        return True
    return any(
        old.requirement == new.requirement
        and set(old.entries) & common != set(new.entries) & common
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
