"""The interface of a package manager."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from envkeep.locks.compile import Resolver
from envkeep.locks.torch_builds import TorchBuild
from envkeep.project.target import Target


class Manager(Protocol):
    """A package manager: compiles locks and fills environments from them."""

    def resolver(self, target: Target, build: TorchBuild | None) -> Resolver:
        """Return the resolver for this machine's own platform."""

    def create(self, environment: Path, interpreter: Path) -> None:
        """Make an empty environment."""

    def install(self, environment: Path, lock_files: Sequence[Path], target: Target) -> None:
        """Fill an empty environment with exactly what the locks say, every file checked by hash."""

    def install_project(self, environment: Path, *, editable: bool) -> None:
        """Install the project itself without its dependencies."""

    def check(self, environment: Path) -> None:
        """Fail if installed packages contradict each other's requirements."""
