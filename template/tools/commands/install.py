# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make the environment for the locks and switch to it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .. import backends, generations, interpreters, managers
from ..errors import ToolError
from ..generations import Generation, Kind
from ..locks import Locks
from ..managers import Manager
from ..paths import IMPORT_CHECK, ROOT, SOURCE, python, shown
from ..project import editable_install_hash, facts, is_adopted, python_version, source_hash
from ..requirements import PRODUCTION_LAYERS, direct_names, layers
from ..run import exit_code, say
from ..run import run as run_program

HELP = "make the environment that the locks describe, check it, then switch to it"
NO_TESTS_COLLECTED = 5
MET_ANOTHER_PYTEST = "ignore:(rm_rf) error removing:pytest.PytestWarning"
SMOKE_TEST = ("-m", "pytest", "-q", "-m", "smoke", "-W", MET_ANOTHER_PYTEST)
"""Arguments of Python. Two pytests of one user that clean up at the same time are no failure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Install the development environment: every layer and the project, editable."""
    with generations.exclusive():
        install(generations.DEVELOPMENT, layers(), reason="make install")
    return 0


def install(
    kind: Kind, wanted: Sequence[str], *, reason: str, manager: Manager | None = None
) -> None:
    """Activate the environment for the locks; it is made and checked first if it is not there.

    Args:
        kind: What the environment is for, and what its name starts with.
        wanted: The layers that it holds.
        reason: The command that was given.
        manager: What makes and fills it; by default the project's package manager.

    Raises:
        ToolError: It could not be made; the active environment is as it was.
    """
    choice = backends.chosen()
    say(f"Backend {choice.target.backend}: {choice.reason}.")
    locks = Locks(choice.target)
    target = _described(kind, wanted, locks, reason)
    if not locks.are_fresh():
        say("note: the requirements are newer than these locks; `make lock` brings them in.")
    current = generations.active(kind)
    if current and current.name == target.name:
        say(f"{shown(kind.link)} is up to date: {current.name} (Python {current.python}).")
        return
    if generations.load(target.name) is None:
        _create(target, wanted, locks, current, manager or managers.chosen())
    generations.activate(kind, target)
    say(f"{shown(kind.link)} -> {shown(target.folder)}")


def project_hash(kind: Kind) -> str:
    """Return the hash of what an environment takes from the project: a copy, or its commands."""
    return source_hash() if kind is generations.PRODUCTION else editable_install_hash()


def _described(kind: Kind, wanted: Sequence[str], locks: Locks, reason: str) -> Generation:
    lock_sha256 = locks.sha256(wanted)
    project_sha256 = project_hash(kind)
    return Generation(
        name=generations.name_for(kind, lock_sha256, project_sha256),
        kind=kind.name,
        lock_sha256=lock_sha256,
        project_sha256=project_sha256,
        python=python_version(),
        backend=locks.target.backend,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reason=reason,
        project_folder=str(ROOT),
    )


def _create(
    target: Generation,
    wanted: Sequence[str],
    locks: Locks,
    current: Generation | None,
    manager: Manager,
) -> None:
    say(f"Making the {target.kind} environment of {', '.join(wanted)}, Python {target.python}.")
    try:
        generations.create(target, lambda folder: _fill(folder, wanted, locks, manager))
    except ToolError as error:
        stays = f"{current.name} stays active" if current else "nothing was switched"
        reason = str(error).rstrip(".")
        raise ToolError(f"the new environment was not made, {stays}: {reason}.") from error


def _fill(folder: Path, wanted: Sequence[str], locks: Locks, manager: Manager) -> None:
    for_production = tuple(wanted) == PRODUCTION_LAYERS
    manager.create(folder, interpreters.find())
    manager.install(folder, locks.require(wanted), locks.target)
    manager.install_project(folder, editable=not for_production)
    say("Checking the new environment: requirements, imports, smoke test.")
    manager.check(folder)
    run_program(
        [python(folder), IMPORT_CHECK, *direct_names(wanted, locks.target.backend)], quietly=True
    )
    if for_production:
        _start_package(folder)
    else:
        _run_smoke_test(folder)


def _start_package(folder: Path) -> None:
    """Run the package's own command, if it has one, as far as its help.

    What the command of an adopted package does when it is asked for help is not known.
    """
    if is_adopted():
        return
    package = facts()["package_name"]
    if any((top / package / "__main__.py").exists() for top in (SOURCE, ROOT)):
        run_program([python(folder), "-m", package, "--help"], quietly=True)


def _run_smoke_test(folder: Path) -> None:
    code = exit_code([python(folder), *SMOKE_TEST])
    if code not in (0, NO_TESTS_COLLECTED):
        raise ToolError("the project's smoke test fails in it; its message is above")
