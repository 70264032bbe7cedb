"""Make the environment of an exporter, apart from the project's own; `make export` asks for it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from envkeep.environments import build, store
from envkeep.environments.spec import EnvironmentSpec
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks
from envkeep.paths import python, shown
from envkeep.process import say
from envkeep.project import target
from envkeep.project.requirements import EXPORTERS, exporters, maker_of
from envkeep.project.target import Target
from envkeep.result import Result

HELP = "make an exporter's environment if it is not there; print its interpreter as the last line"
SHOWS_COMMANDS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", metavar="EXPORTER", help="one of requirements/stack/exporters/")


def run(arguments: argparse.Namespace) -> Result:
    """Return the interpreter, alone on the standard output so that programs can read it."""
    with contextlib.redirect_stdout(sys.stderr), store.exclusive():
        interpreter = str(python(ensure(_required(arguments.name))))
    return Result({"python": interpreter}, [interpreter])


def ensure(exporter: str, here: Target | None = None) -> Path:
    """Return the environment of what is locked alone; it is made and checked first if need be.

    Args:
        exporter: The exporter, or the environment by name.
        here: The target whose lock it is; by default that of the exporter.

    Raises:
        ToolError: The environment could not be made; nothing half-made is left.
    """
    locks = Locks(here or target.of_exporter(exporter))
    kind = store.of_exporter(exporter)
    contents = EnvironmentSpec.of(locks, [exporter])
    wanted = build.described(kind, contents, maker_of(exporter))
    current = store.active(kind)
    if not locks.are_fresh():
        say("note: the requirements are newer than these locks; `make lock` brings them in.")
    ready = build.usable(kind, wanted, contents)
    if ready and current and ready.name == current.name:
        return current.folder
    if ready is None:
        name = exporter.rpartition("/")[2]
        say(f"Making the environment of {name}, apart from all others; .venv stays as it is.")
        ready = build.make(kind, wanted, contents)
    store.activate(kind, ready)
    say(f"{shown(kind.link)} -> {shown(ready.folder)}")
    return ready.folder


def _required(name: str) -> str:
    exporter = f"{EXPORTERS}/{name}"
    if exporter not in exporters():
        known = ", ".join(each.rpartition("/")[2] for each in exporters()) or "none"
        raise ToolError(f"the project has no exporter {name}; it has {known}.")
    return exporter
