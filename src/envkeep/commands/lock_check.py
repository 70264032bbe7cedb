"""Tell whether the committed locks are what the requirements give."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.locks import compile, lock_set, lockfile, package_managers
from envkeep.locks.lock_set import Locks
from envkeep.locks.lockfile import LockEntry
from envkeep.locks.resolvers import Uv
from envkeep.paths import LOCKS, shown
from envkeep.project import target as backends
from envkeep.project.requirements import layers
from envkeep.project.target import Target
from envkeep.result import Result
from envkeep.toolchain import interpreters

HELP = "fail if locking again would give other locks than those that are there; changes nothing"
AGAIN = f"run `make lock-all` and commit {shown(LOCKS)}."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> Result:
    """Compile a copy of every existing lock again, and compare.

    Raises:
        ToolError: The project has no locks.
    """
    present = [target for target in backends.targets() if Locks(target).folder.exists()]
    if not present:
        raise ToolError(f"there are no locks; {AGAIN}")
    python = interpreters.whole_version()
    with store.exclusive():
        problems = [line for target in present for line in _problems(target, python)]
        manager = package_managers.chosen()
        if manager and not problems:
            problems += manager.freshness()
    data = {"locks": [target.name for target in present], "differences": problems}
    if problems:
        sentence = f"the locks are not what the requirements give; {AGAIN}"
        return Result.failed(sentence, data, problems)
    return Result(data, [f"Locking again gives the same: {', '.join(data['locks'])}."])


def differences(before: Mapping[str, LockEntry], after: Mapping[str, LockEntry]) -> Iterator[str]:
    """Yield how a lock differs from what the requirements give.

    Files that were added to an index since are no difference: a lock does not age by them.

    Args:
        before: The entries of the lock that is there, by name.
        after: Those that locking again gives.
    """
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old.requirement != new.requirement:
            yield f"{_requirement(old)} is locked, {_requirement(new)} is what is asked for"
        elif foreign := old.hashes - new.hashes:
            yield f"{old.requirement}: no file of its index has the hash {min(foreign)}"


def _problems(target: Target, python: str) -> Iterator[str]:
    found = Locks(target)
    if not found.are_fresh():
        yield f"{shown(found.folder)}: older than the requirements"
        return
    before = {name: _entries(found.file(name)) for name in found.names}
    with lock_set.copied_locks([target]) as top:
        again = Locks(target, top)
        for name, entries in before.items():
            # uv keeps the hashes of a lock without asking where they come from.
            bare = [LockEntry(each.requirement) for each in entries.values()]
            text = lockfile.render_lock(bare, "Versions alone.")
            again.file(name).write_text(text, encoding="utf-8")
        # `make lock` may have found a version that asks for a patch of Python not all have.
        compile.lock(target, layers(), partial(Uv, python=python), upgrade=False, top=top)
        after = {name: _entries(again.file(name)) for name in before}
    for name in before:
        lines = differences(before[name], after[name])
        yield from (f"{shown(found.file(name))}: {line}" for line in lines)


def _entries(path: Path) -> dict[str, LockEntry]:
    return {entry.name: entry for entry in lockfile.parse_lock(path.read_text(encoding="utf-8"))}


def _requirement(entry: LockEntry | None) -> str:
    return entry.requirement if entry else "nothing"
