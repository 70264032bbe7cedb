# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make and check environments from locks, the same way whichever command asks."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import (
    bytecode,
    faulty_wheels,
    generations,
    health,
    integrity,
    interpreters,
    managers,
    no_pip,
    toolchain,
)
from .backends import Target
from .errors import CommandError, ToolError
from .generations import Generation, Kind
from .integrity import NotWholeError
from .locks import Locks, sha256_of
from .managers import Manager
from .paths import IMPORT_CHECK, ROOT, SOURCE, python, shown
from .project import editable_install_hash, facts, is_adopted, python_version, source_hash
from .requirements import direct_names
from .run import Ended, announce, ended, environment, run, say

NO_TESTS_COLLECTED = 5
MET_ANOTHER_PYTEST = "ignore:(rm_rf) error removing:pytest.PytestWarning"
SMOKE_TEST = ("-m", "pytest", "-q", "-m", "smoke", "-W", MET_ANOTHER_PYTEST)
"""Arguments of Python. Two pytests of one user that clean up at the same time are no failure."""


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
    project_sha256 = project_hash(kind)
    return Generation(
        name=generations.name_for(kind, lock_sha256, project_sha256),
        kind=kind.name,
        lock_sha256=lock_sha256,
        project_sha256=project_sha256,
        python=python_version(),
        backend=contents.target.backend,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reason=reason,
        project_folder=str(ROOT),
    )


def project_hash(kind: Kind) -> str:
    """Return the hash of what an environment takes from the project: a copy, or its commands."""
    hashes = {"copy": source_hash, "editable": editable_install_hash}
    return hashes[kind.project]() if kind.project in hashes else ""


def make(
    kind: Kind, wanted: Generation, contents: Contents, manager: Manager | None = None
) -> Generation:
    """Make a generation and check it; nothing is switched.

    Args:
        kind: What it is for.
        wanted: Its facts.
        contents: What it is filled from.
        manager: What makes and fills it; by default the project's package manager.

    Returns:
        All its facts.

    Raises:
        ToolError: It could not be made; nothing half-made is left behind.
    """
    chosen = manager or managers.chosen()
    try:
        return generations.create(
            wanted,
            lambda folder: _fill(folder, kind, contents, chosen),
            lambda folder: _check(folder, kind, contents, chosen),
        )
    except NotWholeError as error:
        if not toolchain.uses_uv():
            raise
        clean = f"{shown(toolchain.tool('uv'))} cache clean {' '.join(error.names)}"
        raise ToolError(f"{error}; if it stays so, uv's cache is damaged: `{clean}`.") from error


def usable(kind: Kind, wanted: Generation, contents: Contents) -> Generation | None:
    """Return an environment of some contents that is there and whole, the active one first.

    One that is not is named, and stays as it is.

    Args:
        kind: What it is for.
        wanted: Its facts.
        contents: What it was filled from.
    """
    for found in generations.made_for(kind, wanted.lock_sha256, wanted.project_sha256):
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
    no_pip.write(folder)


def seconds_to_import(
    folder: Path, names: Sequence[str], variables: Mapping[str, str] | None = None
) -> float:
    """Return the processor time that packages take to import, in seconds.

    Args:
        folder: The environment.
        names: The packages.
        variables: What is added to the environment variables of its Python.

    Raises:
        CommandError: One of them cannot be imported; the reason was shown.
    """
    printed = run([python(folder), IMPORT_CHECK, *names], extra=variables, quietly=True)
    found = re.findall(r"\d+\.\d{3}$", printed, re.MULTILINE)
    if not found:
        raise CommandError(f"importing {', '.join(names)} ended Python.", printed)
    return float(found[-1])


def _fill(folder: Path, kind: Kind, contents: Contents, manager: Manager) -> None:
    fill(folder, contents, manager)
    present = generations.active(kind)
    if present:
        bytecode.share(present.folder, folder)
    if kind.project == "copy":
        manager.install_project(folder, editable=False)


def _check(folder: Path, kind: Kind, contents: Contents, manager: Manager) -> float:
    with ThreadPoolExecutor() as beside:
        imports = beside.submit(seconds_to_import, folder, contents.names)
        if kind.project == "editable":
            manager.install_project(folder, editable=True)
        say("Checking the new environment.")
        smoke = beside.submit(_smoke_test, folder) if kind.project == "editable" else None
        manager.check(folder)
        seconds = imports.result()
    if smoke:
        _judge_smoke_test(smoke.result())
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
        run([python(folder), "-m", package, "--help"], quietly=True)


def _smoke_test(folder: Path) -> Ended:
    command = [python(folder), *SMOKE_TEST]
    announce(command)
    return ended(command, ROOT, environment())


def _judge_smoke_test(test: Ended) -> None:
    print(test.output.decode("utf-8", "replace"), end="", flush=True)
    print(test.errors, end="", file=sys.stderr, flush=True)
    if test.code not in (0, NO_TESTS_COLLECTED):
        raise ToolError("the project's smoke test fails in it; its message is above")
