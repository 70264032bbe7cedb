"""Make environments of mixed locks beside the others, or reuse existing ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from envkeep.bisect.endpoints import LayerLocks
from envkeep.environments import build, health, managers, store
from envkeep.environments.spec import EnvironmentSpec
from envkeep.environments.store import DEVELOPMENT, Environment, Kind
from envkeep.paths import ROOT
from envkeep.project.target import Target

BISECT = Kind("bisect", ROOT / ".venv-bisect", "bisect-", "editable")
"""Nothing ever links to one of these; that they hold the project depends on the same as there."""


@dataclass(frozen=True)
class Ready:
    """An environment in which the test can run.

    Attributes:
        environment: Its facts.
        is_own: Whether it was made for a bisection, and not to work in.
        is_built: Whether it was made just now.
    """

    environment: Environment
    is_own: bool
    is_built: bool

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.environment.folder


def ready(locks: LayerLocks, top: Path, target: Target) -> Ready:
    """Return an environment of exactly some locks; make it if it is missing.

    What the project's own install would check is not checked: a package that does not even import
    can be what is looked for.

    Args:
        locks: The locks.
        top: Where they are written.
        target: What they are for.

    Raises:
        ToolError: The environment cannot be made; nothing half-made is left behind.
    """
    spec = EnvironmentSpec(locks.write(top / locks.sha256[:12]), target)
    wanted = build.described(BISECT, spec, "make bisect")
    facts = (wanted.lock_sha256, wanted.backend, wanted.python)
    for found in _usable():
        fits = (found.lock_sha256, found.backend, found.python) == facts
        if fits and not health.problem_with(found, BISECT, spec.locks, every_file=True):
            return Ready(found, is_own=found.kind == BISECT.name, is_built=False)
    made = store.create(wanted, lambda folder: _fill(folder, spec))
    return Ready(made, is_own=True, is_built=True)


def remove(names: Iterable[str]) -> None:
    """Delete environments that were made for a bisection."""
    for name in names:
        found = store.load(name)
        if found and found.kind == BISECT.name:
            store.delete(found.folder)


def _usable() -> list[Environment]:
    """Return reusable environments: checked working ones first, then the bisection's own."""
    there = store.complete()
    return [each for kind in (DEVELOPMENT, BISECT) for each in there if each.kind == kind.name]


def _fill(folder: Path, spec: EnvironmentSpec) -> None:
    manager = managers.chosen()
    build.fill(folder, spec, manager)
    manager.install_project(folder, editable=False)
