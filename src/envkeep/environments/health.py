"""Check that an environment is still what was made from its locks.

What was found whole is noted in ``.cache/seen-whole``, with what changes when a package or its
Python does; as long as that is the same, nothing is read again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from envkeep.environments.distributions import packages_folder
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Environment, Kind
from envkeep.files import text_of, write_whole
from envkeep.locks.lock_set import Locks
from envkeep.paths import SEEN_WHOLE, python
from envkeep.project.metadata import machine, own_names
from envkeep.project.requirements import PRODUCTION_LAYERS, layers
from envkeep.project.target import Target

if TYPE_CHECKING:
    from envkeep.environments.integrity import Problem


def problem_with(
    environment: Environment,
    kind: Kind,
    locks: Sequence[Path] | None,
    *,
    every_file: bool = False,
) -> Problem | None:
    """Return why an environment is damaged, or None.

    Args:
        environment: Its facts.
        kind: What it is for.
        locks: What it was filled from; None if those are not there any more.
        every_file: Look at every file of it, and not only at what milliseconds are enough for.
    """
    state, note = _state(environment.folder), SEEN_WHOLE / environment.name
    if state and not every_file and text_of(note) == state:
        return None
    from envkeep.environments import integrity

    own = own_names() if kind.project != "none" else ()
    wanted = None if locks is None else integrity.locked(locks)
    found = integrity.problem(
        environment.folder, environment.python, wanted, own, every_file=every_file
    )
    if state and locks and not found:
        with suppress(OSError):  # where nobody may write it is read each time
            note.parent.mkdir(parents=True, exist_ok=True)
            write_whole(note, state.encode())
    return found


def _state(folder: Path) -> str:
    """Return a stamp that changes with the packages and the Python, or nothing."""
    packages, interpreter = packages_folder(folder), python(folder)
    try:
        program = interpreter.stat()
        own = packages.stat().st_mtime_ns if packages else 0
    except OSError:
        return ""
    target = os.path.realpath(interpreter)
    return f"{own} {program.st_mtime_ns} {program.st_size} {target}\n"


def locks_of(environment: Environment, kind: Kind) -> list[Path] | None:
    """Return the locks that an environment was filled from, or None if there are others now."""
    of_layers = {DEVELOPMENT.name: layers(), PRODUCTION.name: PRODUCTION_LAYERS}
    wanted = of_layers.get(kind.name, (kind.name,))
    locks = Locks(Target(machine().platform, environment.backend))
    if locks.missing(wanted) or locks.sha256(wanted) != environment.lock_sha256:
        return None
    return locks.require(wanted)
