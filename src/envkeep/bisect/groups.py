"""Group changes that cannot be separated, in the order of suspicion."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from envkeep.bisect.endpoints import LayerLocks
from envkeep.bisect.mixing import FILES, ORDER, PackageChange
from envkeep.locks.lockfile import LockEntry

NUMPY = "numpy"
FAR = 1_000
FRAMEWORK_LAYERS = ("10-torch", "20-train")


@dataclass(frozen=True)
class Dependency:
    """The reason why a change needs another one.

    Attributes:
        change: The name of the change.
        needs: The name of the one that it needs.
        reason: A sentence without its point.
    """

    change: str
    needs: str
    reason: str


@dataclass(frozen=True)
class GroupPlan:
    """The search space.

    Attributes:
        groups: The names of the changes of each group; each group needs earlier ones only.
        dependencies: The numbers of the groups without which each group cannot be made.
        reasons: Why, for all of them.
    """

    groups: tuple[tuple[str, ...], ...]
    dependencies: tuple[frozenset[int], ...]
    reasons: tuple[Dependency, ...] = ()

    def names(self, numbers: Iterable[int]) -> list[str]:
        """Return the names of the changes of some groups."""
        return [name for number in sorted(numbers) for name in self.groups[number]]

    def reasons_within(self, names: Collection[str]) -> list[str]:
        """Return why some changes cannot be separated."""
        found = (
            dependency
            for dependency in self.reasons
            if {dependency.change, dependency.needs} <= set(names)
        )
        return list(dict.fromkeys(dependency.reason for dependency in found))

    def dependents(self, names: Iterable[str]) -> list[str]:
        """Return some changes with all that they need."""
        found = dict.fromkeys(names)
        while more := [
            dependency.change
            for dependency in self.reasons
            if dependency.needs in found and dependency.change not in found
        ]:
            found.update(dict.fromkeys(more))
        return list(found)


def plan_groups(ranked: Sequence[str], dependencies: Sequence[Dependency]) -> GroupPlan:
    """Group changes and put each group behind those that it needs.

    Args:
        ranked: The names of the changes, the likeliest culprit first.
        dependencies: What cannot be made without what.
    """
    needed: dict[str, list[str]] = {name: [] for name in ranked}
    for dependency in dependencies:
        needed[dependency.change].append(dependency.needs)
    groups = _components(ranked, needed)
    number_of = {name: number for number, group in enumerate(groups) for name in group}
    links = tuple(
        frozenset(number_of[other] for name in group for other in needed[name]) - {number}
        for number, group in enumerate(groups)
    )
    return GroupPlan(tuple(map(tuple, groups)), links, tuple(dependencies))


def ranked(changes: Sequence[PackageChange], good: LayerLocks, bad: LayerLocks) -> list[str]:
    """Return the names of changes, the likeliest culprit first.

    First what the layers of the training ask for themselves, then NumPy, then the others by their
    distance from what people ask for, new first numbers before others; last what is no package.
    """
    distance = {**_distances(good), **_distances(bad)}
    frameworks = {*_asked_in(good, FRAMEWORK_LAYERS), *_asked_in(bad, FRAMEWORK_LAYERS)}

    def rank(change: PackageChange) -> tuple[int, bool, str]:
        if change.name in (FILES, ORDER):
            return FAR, True, change.name
        place = 1 if change.name == NUMPY else 2 + distance.get(change.name, len(changes))
        return 0 if change.name in frameworks else place, not change.is_major, change.name

    return [change.name for change in sorted(changes, key=rank)]


def _components(names: Sequence[str], needed: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return strongly connected groups, each behind what it needs (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in needed[name]:
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            place = stack.index(name)
            groups.append(sorted(stack[place:], key=names.index))
            del stack[place:]

    for name in names:
        if name not in index:
            visit(name)
    return groups


def _distances(locks: LayerLocks) -> dict[str, int]:
    """Return how far each package is from what people ask for, 0 for what they name themselves."""
    asking = {
        name: {
            canonicalize_name(parent)
            for entry in package.entries.values()
            for parent in entry.parents
        }
        for name, package in locks.packages.items()
    }
    found = {
        name: 0 for name, package in locks.packages.items() if _any(package.entries, _is_asked)
    }
    while more := {
        name: 1 + min(found[parent] for parent in parents & found.keys())
        for name, parents in asking.items()
        if name not in found and parents & found.keys()
    }:
        found.update(more)
    return found


def _asked_in(locks: LayerLocks, layers: Collection[str]) -> set[str]:
    """Return what the requirements of some layers name themselves."""
    return {
        name
        for name, package in locks.packages.items()
        if _any({key: package.entries[key] for key in package.entries if key in layers}, _is_asked)
    }


def _any(entries: Mapping[str, LockEntry], test: Callable[[LockEntry], bool]) -> bool:
    return any(map(test, entries.values()))


def _is_asked(entry: LockEntry) -> bool:
    return bool(entry.files)
