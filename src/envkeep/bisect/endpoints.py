"""Endpoints of a bisection: the locks of a commit, of a folder, or the current ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks
from envkeep.locks.lockfile import LockEntry, parse_lock
from envkeep.paths import LOCKS, ORDER, ROOT, STACK, shown
from envkeep.project.git import Git
from envkeep.project.metadata import python_version
from envkeep.project.requirements import LAYERS, in_order, layers, lines_of
from envkeep.project.target import Target


@dataclass(frozen=True)
class LockedPackage:
    """A package of some locks.

    Attributes:
        entries: What the lock of each layer that holds it says.
    """

    entries: Mapping[str, LockEntry]

    @property
    def last(self) -> LockEntry:
        """The package in the lock that is installed last."""
        return [*self.entries.values()][-1]

    @property
    def requirement(self) -> str:
        """``name==version`` or ``name @ address``."""
        return self.last.requirement

    @property
    def version(self) -> str:
        """Its version, or the address that it comes from."""
        return self.last.version or self.last.address

    @property
    def hashes(self) -> frozenset[str]:
        """The files that may be installed."""
        return self.last.hashes

    def with_hashes(self, hashes: frozenset[str]) -> LockedPackage:
        """Return the package with other allowed files."""
        changed = {layer: replace(self.entries[layer], hashes=hashes) for layer in self.entries}
        return LockedPackage(changed)


@dataclass(frozen=True)
class LayerLocks:
    """The locks of all layers.

    Attributes:
        title: What they are called in messages.
        texts: The lock of each layer, in the order in which they are installed.
    """

    title: str
    texts: Mapping[str, str]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers in the order in which they are installed."""
        return tuple(self.texts)

    @cached_property
    def packages(self) -> dict[str, LockedPackage]:
        """What they hold, by name."""
        found: dict[str, dict[str, LockEntry]] = {}
        for layer, text in self.texts.items():
            for entry in parse_lock(text):
                found.setdefault(entry.name, {})[layer] = entry
        return {name: LockedPackage(entries) for name, entries in found.items()}

    @property
    def sha256(self) -> str:
        """The hash of all of it, the order included."""
        return hashlib.sha256(repr([*self.texts.items()]).encode()).hexdigest()

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write the locks into a folder and return them in their order."""
        folder.mkdir(parents=True, exist_ok=True)
        for layer, text in self.texts.items():
            (folder / f"{layer}.txt").write_text(text, encoding="utf-8", newline="\n")
        return tuple(folder / f"{layer}.txt" for layer in self.texts)


def read(given: str, target: Target, name: str) -> LayerLocks:
    """Return the locks for a target.

    Args:
        given: A folder, a commit as git names it, or nothing for the locks as they are now.
        target: What they are for.
        name: Which endpoint it is: good or bad.

    Raises:
        ToolError: The locks do not exist, or are not for the project's Python.
    """
    title = f"the {name} lock ({given or 'as it is now'})"
    if not given:
        found: LayerLocks | None = _as_they_are(Locks(target), title)
    else:
        found = _of_folder(ROOT / given, target, title) or _of_commit(given, target, title)
    if found is None:
        raise ToolError(
            f"{given} is neither a folder of locks such as {shown(LOCKS)} nor a commit; "
            f"`git log --oneline -- {shown(LOCKS)}` lists commits that changed them."
        )
    _check_python(found)
    return found


def _as_they_are(locks: Locks, title: str) -> LayerLocks:
    paths = locks.require(layers())
    return LayerLocks(title, {path.stem: _text(path) for path in paths})


def _of_folder(folder: Path, target: Target, title: str) -> LayerLocks | None:
    """Return the locks of a folder, or of the target's folder in it; None if there are none."""
    if folder.resolve() in (LOCKS, LOCKS / target.name):
        return _as_they_are(Locks(target), title)
    there = next(filter(None, map(_locks_in, (folder, folder / target.name))), ())
    if not there:
        return None
    order = there[0].parent / ORDER.name
    named = lines_of(_text(order)) if order.exists() else [path.stem for path in there]
    texts = {path.stem: _text(path) for path in there}
    return LayerLocks(title, {layer: texts[layer] for layer in in_order(named, tuple(texts))})


def _locks_in(folder: Path) -> tuple[Path, ...]:
    return tuple(path for layer in LAYERS if (path := folder / f"{layer}.txt").is_file())


def _of_commit(given: str, target: Target, title: str) -> LayerLocks | None:
    """Return the locks of a commit, None if git knows none of that name.

    Raises:
        ToolError: The commit has no locks for the target.
    """
    git = Git(ROOT)
    commit = git.commit(given)
    if not commit:
        return None
    folder = shown(Locks(target).folder)
    inputs = _names(git, commit, shown(STACK))
    locked = _names(git, commit, folder)
    there = [layer for layer in LAYERS if f"{layer}.in" in inputs and f"{layer}.txt" in locked]
    if not there:
        raise ToolError(f"the commit {given} has no locks in {folder}; name another one.")
    order = ORDER.name in _names(git, commit, shown(ORDER.parent))
    named = lines_of(_content(git, commit, shown(ORDER))) if order else there
    ordered = in_order(named, there)
    return LayerLocks(
        title, {each: _content(git, commit, f"{folder}/{each}.txt") for each in ordered}
    )


def _names(git: Git, commit: str, folder: str) -> set[str]:
    """Return the names of the files of a folder in a commit."""
    paths = git.paths("ls-tree", "-z", "--name-only", commit, f"{folder}/")
    return {path.rpartition("/")[2] for path in paths}


def _content(git: Git, commit: str, path: str) -> str:
    return git.output("show", f"{commit}:./{path}").decode("utf-8-sig").replace("\r\n", "\n")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{shown(path)} cannot be read: {error}.") from error


def _check_python(locks: LayerLocks) -> None:
    others = _pythons(locks.texts.values()) - {python_version()}
    if others:
        raise ToolError(
            f"{locks.title} is for Python {others.pop()}, the project for {python_version()}: a "
            "change of Python cannot be separated; compare locks for one Python."
        )


def _pythons(texts: Iterable[str]) -> set[str]:
    """Return the Pythons that locks say they are for, in their first lines."""
    heads = (text.partition("\n")[0] for text in texts)
    return {found[1] for head in heads if (found := re.search(r"Python (\d+\.\d+)", head))}
