"""Environment specs: locks, and the packages that must import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envkeep.locks.lock_set import Locks
from envkeep.project.requirements import direct_names
from envkeep.project.target import Target


@dataclass(frozen=True)
class EnvironmentSpec:
    """An environment spec.

    Attributes:
        locks: In the order in which they are installed.
        target: What they are for.
        names: The packages that must import: those that the requirements name.
    """

    locks: tuple[Path, ...]
    target: Target
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, locks: Locks, wanted: Sequence[str], top: Path | None = None) -> EnvironmentSpec:
        """Return the spec of some layers, or of an exporter.

        Args:
            locks: Their locks.
            wanted: The layers, in the order in which they are installed.
            top: The folder of the requirements behind them, if it is not the project's own.

        Raises:
            ToolError: A layer is not locked.
        """
        names = direct_names(wanted, locks.target.backend, top)
        return cls(tuple(locks.require(wanted)), locks.target, tuple(names))
