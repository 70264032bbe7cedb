# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make the environment of an exporter, apart from the project's own; `make export` asks for it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from .. import backends, generations, interpreters, managers
from ..errors import ToolError
from ..generations import Generation
from ..locks import Locks
from ..paths import IMPORT_CHECK, ROOT, python, shown
from ..project import python_version
from ..requirements import EXPORTERS, direct_names, exporters
from ..run import run as run_program
from ..run import say

HELP = "make an exporter's environment if it is not there; print its interpreter as the last line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", metavar="EXPORTER", help="one of requirements/stack/exporters/")


def run(arguments: argparse.Namespace) -> int:
    """Print the interpreter alone on the standard output, so that programs can read it."""
    with contextlib.redirect_stdout(sys.stderr), generations.exclusive():
        environment = ensure(_required(arguments.name))
    say(str(python(environment)))
    return 0


def ensure(exporter: str) -> Path:
    """Return the environment for an exporter's lock; it is made and checked first if need be.

    Raises:
        ToolError: It could not be made; nothing half-made is left behind.
    """
    locks = Locks(backends.for_cpu())
    wanted = _described(exporter, locks)
    kind = generations.of_exporter(exporter)
    current = generations.active(kind)
    if not locks.are_fresh():
        say("note: the requirements are newer than these locks; `make lock` brings them in.")
    if current and current.name == wanted.name:
        return current.folder
    if generations.load(wanted.name) is None:
        name = exporter.rpartition("/")[2]
        say(f"Making the environment of the exporter {name}; .venv stays as it is.")
        generations.create(wanted, lambda folder: _fill(folder, exporter, locks))
    generations.activate(kind, wanted)
    say(f"{shown(kind.link)} -> {shown(wanted.folder)}")
    return wanted.folder


def _required(name: str) -> str:
    exporter = f"{EXPORTERS}/{name}"
    if exporter not in exporters():
        known = ", ".join(each.rpartition("/")[2] for each in exporters()) or "none"
        raise ToolError(f"the project has no exporter {name}; it has {known}.")
    return exporter


def _described(exporter: str, locks: Locks) -> Generation:
    lock_sha256 = locks.sha256([exporter])
    kind = generations.of_exporter(exporter)
    return Generation(
        name=generations.name_for(kind, lock_sha256, ""),
        kind=kind.name,
        lock_sha256=lock_sha256,
        project_sha256="",  # nothing of the project is installed in it
        python=python_version(),
        backend=locks.target.backend,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reason="make export",
        project_folder=str(ROOT),
    )


def _fill(folder: Path, exporter: str, locks: Locks) -> None:
    manager = managers.chosen()
    manager.create(folder, interpreters.find())
    manager.install(folder, locks.require([exporter]), locks.target)
    say("Checking the new environment: requirements, imports.")
    manager.check(folder)
    run_program(
        [python(folder), IMPORT_CHECK, *direct_names([exporter], locks.target.backend)],
        quietly=True,
    )
