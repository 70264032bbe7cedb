"""Make an environment again from a saved folder, and from nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from envkeep.archive import system
from envkeep.archive.manifest import Saved
from envkeep.environments import build, store
from envkeep.environments.managers.pip_tools import PipTools
from envkeep.environments.spec import EnvironmentSpec
from envkeep.environments.store import DEVELOPMENT, Environment
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, sha256_of
from envkeep.paths import LOCKS, ROOT
from envkeep.process import run, say
from envkeep.project.metadata import machine, python_version
from envkeep.project.requirements import direct_names
from envkeep.project.target import Target


class FromFolder(PipTools):
    """Fills environments from the files of a saved folder."""

    def __init__(self, saved: Saved) -> None:
        """Take what was saved."""
        self._saved = saved

    def install(self, environment: Path, lock_files: Sequence[Path], target: Target) -> None:
        """Fill an empty environment with exactly what the locks say, every file checked by hash."""
        sources = [part for folder in self._saved.sources for part in ("--find-links", folder)]
        options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-index"]
        command = [*self._installer(environment), *options, *sources]
        for path in lock_files:
            run([*command, "--requirement", self._saved.lock(path.stem)])


@contextmanager
def without_network(saved: Saved) -> Iterator[None]:
    """Let pip take everything from the saved folder, the pinned tools too."""
    before = dict(os.environ)
    os.environ["PIP_NO_INDEX"] = "1"
    os.environ["PIP_FIND_LINKS"] = " ".join(folder.as_uri() for folder in saved.sources)
    os.environ["UV_OFFLINE"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def require_same_kind(saved: Saved) -> None:
    """Refuse what cannot work here, whatever is installed.

    Raises:
        ToolError: It is for another platform, or for another Python than the project's.
    """
    here, there = machine().platform, saved.system.platform
    version = str(saved.facts["python"])
    if here != there:
        raise ToolError(
            f"{saved.folder} cannot be restored here: this machine is {here}, the saved one "
            f"{there}."
        )
    if version != python_version():
        raise ToolError(
            f"{saved.folder} is for Python {version} and the project for {python_version()}; check "
            f"out the commit {str(saved.facts['commit'])[:12]} first."
        )


def differences(saved: Saved) -> list[tuple[str, bool]]:
    """Return how this machine differs, and what of that can keep it from working.

    Raises:
        ToolError: The project's Python is not on it.
    """
    return list(system.differences(saved.system, system.here()))


def target_of(saved: Saved) -> Target:
    """Return what the saved locks are for."""
    return Target(saved.system.platform, str(saved.facts["backend"]))


def restore(saved: Saved, *, smoke_test: bool = True) -> Environment:
    """Make the development environment that was saved, in an environment of its own.

    Raises:
        ToolError: It could not be made; nothing was switched.
    """
    spec = _spec(saved)
    wanted = _described(saved, spec)
    say(f"Making the environment {wanted.name} from {saved.folder}.")
    return build.make(DEVELOPMENT, wanted, spec, FromFolder(saved), smoke_test=smoke_test)


def _spec(saved: Saved) -> EnvironmentSpec:
    target = target_of(saved)
    locks = Locks(target, saved.requirements / LOCKS.name)
    names = direct_names(saved.layers, target.backend, saved.requirements)
    return EnvironmentSpec(tuple(locks.require(saved.layers)), target, tuple(names))


def _described(saved: Saved, spec: EnvironmentSpec) -> Environment:
    """Return the facts of the environment; it is named after the locks as they were saved."""
    lock_sha256 = sha256_of(spec.locks)
    if lock_sha256 != saved.facts["lock_sha256"]:
        raise ToolError(f"the locks in {saved.folder} are not those that were saved.")
    project_sha256 = store.project_hash(DEVELOPMENT)
    name = store.name_for(DEVELOPMENT, lock_sha256, project_sha256)
    made = datetime.now(UTC)
    if store.load(name):
        name = f"{name}-restored-{made:%Y%m%dT%H%M%S}"
    return Environment(
        name=name,
        kind=DEVELOPMENT.name,
        lock_sha256=lock_sha256,
        project_sha256=project_sha256,
        python=python_version(),
        created=made.isoformat(timespec="seconds"),
        reason="make restore",
        project_folder=str(ROOT),
        backend=spec.target.backend,
    )
