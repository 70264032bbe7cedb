"""Fetch those locked files that come from an index of their own, from there alone.

Neither pip nor uv can be told where a name of a lock comes from. So these files lie in a folder
before anything is installed, and each lock is installed in two parts: one from there, one from the
ordinary index.
"""

from __future__ import annotations

from pathlib import Path

from envkeep.errors import CommandError, ToolError
from envkeep.locks import indexes, lock_set, lockfile
from envkeep.locks.lockfile import LockEntry
from envkeep.locks.torch_builds import torch_build
from envkeep.paths import RESOLUTIONS, WHEELS, shown
from envkeep.process import run
from envkeep.project.metadata import python_version
from envkeep.project.target import Target
from envkeep.toolchain import locking_tools, pip_by_name

TIED = "tied"


def parts(lock: Path, target: Target) -> list[tuple[Path, list[object]]]:
    """Return the files to install a lock from, each with the options that say where from.

    Raises:
        ToolError: A file is not at its index, or is not the one that was locked.
    """
    found = indexes.ties(target)
    if not found:
        return [(lock, [])]
    apart = torch_build(target, lock_set.decided_by(lock))
    theirs = {*(apart.packages if apart else ())}
    entries = lock_set.entries_of(lock)
    tied = [
        entry
        for entry in entries
        if entry.version and entry.name not in theirs and pip_by_name.tie_of(found, entry.name)
    ]
    if not tied:
        return [(lock, [])]
    others = [entry for entry in entries if entry not in tied]
    one, rest = _written(lock, target, TIED, tied), _written(lock, target, "others", others)
    folder = WHEELS / TIED / f"{target.platform}-python-{python_version()}"
    _fetch(lock, one, target, folder)
    is_whole = all(path.suffix == ".whl" for path in folder.iterdir())
    alone: list[object] = ["--no-index"] if is_whole else []  # what builds a source is elsewhere
    return [(rest, []), (one, [*alone, "--find-links", folder])]


def _written(lock: Path, target: Target, what: str, entries: list[LockEntry]) -> Path:
    """Write a part of a lock into a file and return it."""
    path = RESOLUTIONS / target.name / f"{what}-{lock.parent.name}-{lock.name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = lockfile.render_lock(entries, f"A part of {shown(lock)}.")
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _fetch(lock: Path, part: Path, target: Target, folder: Path) -> None:
    command = [*locking_tools.pip_by_name(target.backend), "fetch", part, folder]
    try:
        run(command, env=locking_tools.pip_variables("index-url"), mode="quiet")
    except CommandError as error:
        raise ToolError(
            f"what {shown(lock)} has from an index of its own could not be fetched (the reason is "
            "above): check requirements/indexes.toml and the network; if the files there were "
            "changed on purpose, run `make lock`."
        ) from error
