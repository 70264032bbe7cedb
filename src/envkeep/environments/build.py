"""Make and check environments from locks, the same way whichever command asks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from envkeep.environments import (
    bytecode,
    faulty_wheels,
    health,
    import_check,
    integrity,
    managers,
    pip_stub,
    smoke_tests,
    store,
)
from envkeep.environments.integrity import NotWholeError
from envkeep.environments.managers import Manager
from envkeep.environments.store import Generation, Kind
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, sha256_of
from envkeep.paths import ROOT, SOURCE, python, shown
from envkeep.process import run, say
from envkeep.project.metadata import facts, is_adopted, python_version
from envkeep.project.requirements import direct_names
from envkeep.project.target import Target
from envkeep.toolchain import interpreters, locking_tools


@dataclass(frozen=True)
class Contents:
    """What an environment is filled from.

    Attributes:
        locks: In the order in which they are installed.
        target: What they are for.
        names: The packages that must import: those that the requirements name.
    """

    locks: tuple[Path, ...]
    target: Target
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, locks: Locks, wanted: Sequence[str], top: Path | None = None) -> Contents:
        """Return what some layers, or an exporter, say.

        Args:
            locks: Their locks.
            wanted: The layers, in the order in which they are installed.
            top: The folder of the requirements behind them, if it is not the project's own.

        Raises:
            ToolError: One of them is not locked.
        """
        names = direct_names(wanted, locks.target.backend, top)
        return cls(tuple(locks.require(wanted)), locks.target, tuple(names))


def described(kind: Kind, contents: Contents, reason: str) -> Generation:
    """Return the facts of the generation of some contents, made or not."""
    lock_sha256 = sha256_of(contents.locks)
    project_sha256 = store.project_hash(kind)
    return Generation(
        name=store.name_for(kind, lock_sha256, project_sha256),
        kind=kind.name,
        lock_sha256=lock_sha256,
        project_sha256=project_sha256,
        python=python_version(),
        backend=contents.target.backend,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reason=reason,
        project_folder=str(ROOT),
    )


def make(
    kind: Kind,
    wanted: Generation,
    contents: Contents,
    manager: Manager | None = None,
    *,
    smoke_test: bool = True,
) -> Generation:
    """Make a generation and check it; nothing is switched.

    Args:
        kind: What it is for.
        wanted: Its facts.
        contents: What it is filled from.
        manager: What makes and fills it; by default the project's package manager.
        smoke_test: Whether the project's smoke test judges it.

    Returns:
        All its facts.

    Raises:
        ToolError: It could not be made; nothing half-made is left behind.
    """
    chosen = manager or managers.chosen()
    try:
        return store.create(
            wanted,
            lambda folder: _fill(folder, kind, contents, chosen),
            lambda folder: _check(folder, kind, contents, chosen, smoke_test=smoke_test),
        )
    except NotWholeError as error:
        if not locking_tools.uses_uv():
            raise
        clean = f"{shown(locking_tools.tool('uv'))} cache clean {' '.join(error.names)}"
        raise ToolError(f"{error}; if it stays so, uv's cache is damaged: `{clean}`.") from error


def usable(kind: Kind, wanted: Generation, contents: Contents) -> Generation | None:
    """Return an environment of some contents that is there and whole, the active one first.

    One that is not is named, and stays as it is.

    Args:
        kind: What it is for.
        wanted: Its facts.
        contents: What it was filled from.
    """
    for found in store.made_for(kind, wanted.lock_sha256, wanted.project_sha256):
        problem = health.problem_with(found, kind, contents.locks, every_file=True)
        if problem is None:
            return found
        say(f"{shown(found.folder)} is not what was made: {problem.text}.")
    return None


def fill(folder: Path, contents: Contents, manager: Manager) -> None:
    """Make an environment of exactly what the locks say, without the project.

    Raises:
        ToolError: It fails, or is not what the locks say afterwards.
    """
    manager.create(folder, interpreters.find())
    manager.install(folder, contents.locks, contents.target)
    integrity.require_locked(folder, contents.locks)
    faulty_wheels.excuse(folder, contents.locks)
    pip_stub.write(folder)


def _fill(folder: Path, kind: Kind, contents: Contents, manager: Manager) -> None:
    fill(folder, contents, manager)
    present = store.active(kind)
    if present:
        bytecode.share(present.folder, folder)
    if kind.project == "copy":
        manager.install_project(folder, editable=False)


def _check(
    folder: Path, kind: Kind, contents: Contents, manager: Manager, *, smoke_test: bool
) -> float:
    present = store.active(kind)
    with ThreadPoolExecutor() as beside:
        importing = beside.submit(import_check.seconds, folder, contents.names)
        if kind.project == "editable":
            manager.install_project(folder, editable=True)
        say("Checking the new environment.")
        judged = smoke_test and kind.project == "editable"
        smoke = beside.submit(smoke_tests.run, folder) if judged else None
        manager.check(folder)
        seconds = importing.result()
    if smoke:
        smoke_tests.judge(smoke.result(), present.folder if present else None)
    if kind.project == "copy":
        _start_package(folder)
    return seconds


def _start_package(folder: Path) -> None:
    """Run the package's own command, if it has one, as far as its help.

    What the command of an adopted package does when it is asked for help is not known.
    """
    if is_adopted():
        return
    package = facts()["package_name"]
    if any((top / package / "__main__.py").exists() for top in (SOURCE, ROOT)):
        run([python(folder), "-m", package, "--help"], mode="quiet")
