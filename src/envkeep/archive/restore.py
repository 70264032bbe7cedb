"""Rebuild an environment from an archive alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from envkeep.archive import system
from envkeep.archive.layout import Layout
from envkeep.archive.manifest import Manifest
from envkeep.environments import build, store
from envkeep.environments.managers.pip_tools import PipTools
from envkeep.environments.spec import EnvironmentSpec
from envkeep.environments.store import DEVELOPMENT, Environment, Kind
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, hash_of_locks
from envkeep.paths import LOCKS, ROOT
from envkeep.process import run, say
from envkeep.project.metadata import machine, python_version
from envkeep.project.requirements import direct_names
from envkeep.project.target import Target


class FromArchive(PipTools):
    """Environments filled from the files of an archive."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def install(self, environment: Path, lock_files: Sequence[Path], target: Target) -> None:
        """Fill an empty environment with exactly what the locks say, every file checked by hash."""
        sources = [part for folder in self._layout.sources for part in ("--find-links", folder)]
        options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-index"]
        command = [*self._installer(environment), *options, *sources]
        for path in lock_files:
            run([*command, "--requirement", self._layout.lock(path.stem)])


@contextmanager
def without_network(archive: Manifest) -> Iterator[None]:
    """Let pip take everything from the archive, the pinned tools too."""
    before = dict(os.environ)
    os.environ["PIP_NO_INDEX"] = "1"
    os.environ["PIP_FIND_LINKS"] = " ".join(folder.as_uri() for folder in archive.layout.sources)
    os.environ["UV_OFFLINE"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def require_same_kind(archive: Manifest) -> None:
    """Refuse an archive that cannot work on this machine.

    Raises:
        ToolError: The archive is for another platform, or for another Python than the project's.
    """
    here, there = machine().platform, archive.system.platform
    version = str(archive.facts["python"])
    if here != there:
        raise ToolError(
            f"{archive.layout.folder} cannot be restored here: this machine is {here}, the saved "
            f"one {there}."
        )
    if version != python_version():
        raise ToolError(
            f"{archive.layout.folder} is for Python {version} and the project for "
            f"{python_version()}; check out the commit {str(archive.facts['commit'])[:12]} first."
        )


def differences(archive: Manifest) -> list[tuple[str, bool]]:
    """Return how this machine differs, and what of that can keep it from working.

    Raises:
        ToolError: The project's Python is not on this machine.
    """
    return list(system.differences(archive.system, system.here()))


def target_of(archive: Manifest) -> Target:
    """Return what the archived locks are for."""
    return Target(archive.system.platform, str(archive.facts["backend"]))


def kind_of(archive: Manifest) -> Kind:
    """Return the kind of the environment that an archive holds."""
    return store.of_exporter(archive.named) if archive.named else DEVELOPMENT


def restore(archive: Manifest, *, smoke_test: bool = True) -> Environment:
    """Make the environment of an archive beside the others.

    Raises:
        ToolError: The environment could not be made; nothing was switched.
    """
    spec = _spec(archive)
    wanted = _described(archive, spec)
    say(f"Making the environment {wanted.name} from {archive.layout.folder}.")
    return build.make(
        kind_of(archive), wanted, spec, FromArchive(archive.layout), smoke_test=smoke_test
    )


def _spec(archive: Manifest) -> EnvironmentSpec:
    target = target_of(archive)
    locks = Locks(target, archive.layout.requirements / LOCKS.name)
    names = direct_names(archive.layers, target.backend, archive.layout.requirements)
    return EnvironmentSpec(tuple(locks.require(archive.layers)), target, tuple(names))


def _described(archive: Manifest, spec: EnvironmentSpec) -> Environment:
    """Return the facts of the environment; it is named after the locks as they were archived.

    Raises:
        ToolError: The locks are not those that the manifest names.
    """
    lock_sha256 = hash_of_locks(spec.locks)
    if lock_sha256 != archive.facts["lock_sha256"]:
        raise ToolError(f"the locks in {archive.layout.folder} are not those that were saved.")
    kind = kind_of(archive)
    project_sha256 = store.project_hash(kind)
    name = store.name_for(kind, lock_sha256, project_sha256)
    made = datetime.now(UTC)
    if store.load(name):
        name = f"{name}-restored-{made:%Y%m%dT%H%M%S}"
    return Environment(
        name=name,
        kind=kind.name,
        lock_sha256=lock_sha256,
        project_sha256=project_sha256,
        python=python_version(),
        created=made.isoformat(timespec="seconds"),
        reason="make restore",
        project_folder=str(ROOT),
        backend=spec.target.backend,
    )
