"""Make and check environments from locks, the same way for every command."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
from envkeep.environments.spec import EnvironmentSpec
from envkeep.environments.store import Environment, Kind
from envkeep.errors import ToolError
from envkeep.locks.lock_set import hash_of_locks
from envkeep.paths import ROOT, SOURCE, python, shown
from envkeep.process import run, say
from envkeep.project.metadata import is_adopted, project_metadata, python_version
from envkeep.toolchain import interpreters, locking_tools


def described(kind: Kind, spec: EnvironmentSpec, reason: str) -> Environment:
    """Return the facts of the environment of a spec, made or not."""
    lock_sha256 = hash_of_locks(spec.locks)
    project_sha256 = store.project_hash(kind)
    return Environment(
        name=store.name_for(kind, lock_sha256, project_sha256),
        kind=kind.name,
        lock_sha256=lock_sha256,
        project_sha256=project_sha256,
        python=python_version(),
        backend=spec.target.backend,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reason=reason,
        project_folder=str(ROOT),
    )


def make(
    kind: Kind,
    wanted: Environment,
    spec: EnvironmentSpec,
    manager: Manager | None = None,
    *,
    smoke_test: bool = True,
) -> Environment:
    """Make an environment and check it; nothing is switched.

    Args:
        kind: What it is for.
        wanted: Its facts.
        spec: What it is filled from.
        manager: What makes and fills it; by default the project's package manager.
        smoke_test: Whether the project's smoke test judges it.

    Returns:
        All its facts.

    Raises:
        ToolError: The environment could not be made; nothing half-made is left behind.
    """
    chosen = manager or managers.chosen()
    try:
        return store.create(
            wanted,
            lambda folder: _fill(folder, kind, spec, chosen),
            lambda folder: _check(folder, kind, spec, chosen, smoke_test=smoke_test),
        )
    except NotWholeError as error:
        if not locking_tools.uses_uv():
            raise
        clean = f"{shown(locking_tools.tool('uv'))} cache clean {' '.join(error.names)}"
        raise ToolError(f"{error}; if it stays so, uv's cache is damaged: `{clean}`.") from error


def usable(kind: Kind, wanted: Environment, spec: EnvironmentSpec) -> Environment | None:
    """Return an existing, whole environment of a spec, preferring the active one.

    One that is not is named, and stays as it is.

    Args:
        kind: What it is for.
        wanted: Its facts.
        spec: What it was filled from.
    """
    for found in store.made_for(kind, wanted.lock_sha256, wanted.project_sha256):
        problem = health.problem_with(found, kind, spec.locks, every_file=True)
        if problem is None:
            return found
        say(f"{shown(found.folder)} is not what was made: {problem.text}.")
    return None


def fill(folder: Path, spec: EnvironmentSpec, manager: Manager) -> None:
    """Make an environment of exactly what the locks say, without the project.

    Raises:
        ToolError: The installation fails, or the environment is not what the locks say afterwards.
    """
    manager.create(folder, interpreters.find_interpreter())
    manager.install(folder, spec.locks, spec.target)
    integrity.require_locked(folder, spec.locks)
    faulty_wheels.excuse(folder, spec.locks)
    pip_stub.write(folder)


def _fill(folder: Path, kind: Kind, spec: EnvironmentSpec, manager: Manager) -> None:
    fill(folder, spec, manager)
    present = store.active(kind)
    if present:
        bytecode.share(present.folder, folder)
    if kind.project == "copy":
        manager.install_project(folder, editable=False)


def _check(
    folder: Path, kind: Kind, spec: EnvironmentSpec, manager: Manager, *, smoke_test: bool
) -> float:
    present = store.active(kind)
    with ThreadPoolExecutor() as beside:
        importing = beside.submit(import_check.seconds, folder, spec.names)
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
    """Run the package's own command, if it has one, with ``--help``.

    What the command of an adopted package does when it is asked for help is not known.
    """
    if is_adopted():
        return
    package = project_metadata()["package_name"]
    if any((top / package / "__main__.py").exists() for top in (SOURCE, ROOT)):
        run([python(folder), "-m", package, "--help"], mode="quiet")
