# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make an environment again from a saved folder, and from nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from . import generations, installing, systems
from .backends import Target
from .errors import ToolError
from .generations import DEVELOPMENT, Generation
from .installing import Contents
from .locks import Locks, sha256_of
from .managers.pip_tools import PipTools
from .paths import LOCKS, ROOT
from .project import machine, python_version
from .requirements import direct_names
from .run import run, say
from .saved import Saved


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


def differences(saved: Saved) -> list[tuple[str, bool]]:
    """Return how this machine differs, and what of that can keep it from working.

    Raises:
        ToolError: Nothing saved there can work here.
    """
    found = list(systems.differences(saved.system, systems.here()))
    version = str(saved.facts["python"])
    if saved.system.platform != machine().platform:
        raise ToolError(f"{saved.folder} cannot be restored here: {found[0][0]}.")
    if version != python_version():
        raise ToolError(
            f"{saved.folder} is for Python {version} and the project for {python_version()}; check "
            f"out the commit {str(saved.facts['commit'])[:12]} first."
        )
    return found


def target_of(saved: Saved) -> Target:
    """Return what the saved locks are for."""
    return Target(saved.system.platform, str(saved.facts["backend"]))


def restore(saved: Saved) -> Generation:
    """Make the development environment that was saved, in a generation of its own.

    Raises:
        ToolError: It could not be made; nothing was switched.
    """
    contents = _contents(saved)
    wanted = _described(saved, contents)
    say(f"Making the environment {wanted.name} from {saved.folder}.")
    return installing.make(DEVELOPMENT, wanted, contents, FromFolder(saved))


def _contents(saved: Saved) -> Contents:
    target = target_of(saved)
    locks = Locks(target, saved.requirements / LOCKS.name)
    names = direct_names(saved.layers, target.backend, saved.requirements)
    return Contents(tuple(locks.require(saved.layers)), target, tuple(names))


def _described(saved: Saved, contents: Contents) -> Generation:
    """Return the facts of the generation; it is named after the locks as they were saved."""
    lock_sha256 = sha256_of(contents.locks)
    if lock_sha256 != saved.facts["lock_sha256"]:
        raise ToolError(f"the locks in {saved.folder} are not those that were saved.")
    project_sha256 = installing.project_hash(DEVELOPMENT)
    name = generations.name_for(DEVELOPMENT, lock_sha256, project_sha256)
    made = datetime.now(UTC)
    if generations.load(name):
        name = f"{name}-restored-{made:%Y%m%dT%H%M%S}"
    return Generation(
        name=name,
        kind=DEVELOPMENT.name,
        lock_sha256=lock_sha256,
        project_sha256=project_sha256,
        python=python_version(),
        created=made.isoformat(timespec="seconds"),
        reason="make restore",
        project_folder=str(ROOT),
        backend=contents.target.backend,
    )
