# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Is a generation still what was made from its locks?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import integrity
from .backends import Target
from .generations import DEVELOPMENT, PRODUCTION, Generation, Kind
from .integrity import Problem
from .locks import Locks
from .project import machine, own_names
from .requirements import PRODUCTION_LAYERS, layers


def problem_with(
    generation: Generation,
    kind: Kind,
    locks: Sequence[Path] | None,
    *,
    every_file: bool = False,
) -> Problem | None:
    """Return why an environment is not what was made, or None.

    Args:
        generation: Its facts.
        kind: What it is for.
        locks: What it was filled from; None if those are not there any more.
        every_file: Look at every file of it, and not only at what milliseconds are enough for.
    """
    own = own_names() if kind.project != "none" else ()
    wanted = None if locks is None else integrity.locked(locks)
    return integrity.problem(
        generation.folder, generation.python, wanted, own, every_file=every_file
    )


def locks_of(generation: Generation, kind: Kind) -> list[Path] | None:
    """Return the locks that a generation was filled from, or None if there are others now."""
    of_layers = {DEVELOPMENT.name: layers(), PRODUCTION.name: PRODUCTION_LAYERS}
    wanted = of_layers.get(kind.name, (kind.name,))
    locks = Locks(Target(machine().platform, generation.backend))
    if locks.missing(wanted) or locks.sha256(wanted) != generation.lock_sha256:
        return None
    return locks.require(wanted)
