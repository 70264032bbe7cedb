"""Locks in the form of PEP 751, for scanners and other installers: ``pylock.<layer>.toml``.

Each is made from the lock of its layer, with the same versions and some of its hashes: those of the
files that fit the target. It names the addresses of the files, so it is made only where it is asked
for, and renewed with its lock from then on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, entries_of
from envkeep.locks.lockfile import LockEntry
from envkeep.locks.resolvers import Uv
from envkeep.locks.torch_builds import torch_build
from envkeep.process import say
from envkeep.project.target import Target


def file_of(lock: Path) -> Path:
    """Return the place of the form of a lock that PEP 751 describes."""
    return lock.with_name(f"pylock.{lock.stem}.toml")


def present(targets: Iterable[Target]) -> bool:
    """Tell whether some targets have such files."""
    return any(next(Locks(each).folder.glob("pylock.*.toml"), None) for each in targets)


def write(targets: Iterable[Target], top: Path) -> None:
    """Write one for each layer of some targets, beside its lock.

    Args:
        targets: The targets.
        top: Where the folders of their locks lie.

    Raises:
        ToolError: A file of the lock is at no address of the index.
    """
    for target in targets:
        say(f"{target.name}: the layers as pylock.toml")
        locks = Locks(target, top)
        for name in locks.names:
            _write(target, name, locks.file(name))


def _write(target: Target, name: str, lock: Path) -> None:
    entries = entries_of(lock)
    names = {entry.name for entry in entries}
    build = torch_build(target, (name,))
    if build:
        pins = {each: version for each, version in build.pins.items() if each in names}
        helpers = tuple(each for each in build.helpers if each in names)
        build = replace(build, pins=pins, helpers=helpers) if pins else None
    output = file_of(lock)
    Uv(target, build).write_pylock(lock, output)
    content = tomllib.loads(output.read_text(encoding="utf-8"))
    wrong = next(_differences(entries, content), None)
    if wrong:
        raise ToolError(f"{output.name} is not what {lock.name} has ({wrong}); run it again.")


def _differences(entries: Iterable[LockEntry], content: dict[str, Any]) -> Iterator[str]:
    """Yield how the packages of such a file differ from those of a lock."""
    locked = {entry.name: entry for entry in entries}
    packages = content.get("packages", [])
    found: dict[str, Any] = {str(canonicalize_name(each["name"])): each for each in packages}
    for name in sorted(locked.keys() ^ found.keys()):
        yield f"{name} is only in one of them"
    for name in sorted(locked.keys() & found.keys()):
        package, entry = found[name], locked[name]
        if entry.version and package.get("version") != entry.version:
            yield f"{entry.requirement} is {package.get('version')}"
        elif foreign := _hashes(package) - entry.hashes:
            yield f"{entry.requirement} has the hash {min(foreign)}"


def _hashes(package: dict[str, Any]) -> set[str]:
    files = [*package.get("wheels", []), package.get("sdist"), package.get("archive")]
    return {f"sha256:{each['hashes']['sha256']}" for each in files if each}
