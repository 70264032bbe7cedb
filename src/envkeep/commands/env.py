"""Make an environment by name, apart from the layers; without a name, list those that there are."""

from __future__ import annotations

import argparse

from envkeep.commands import exporter
from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.inputs import name_given
from envkeep.paths import python, shown
from envkeep.project import named_environments, target
from envkeep.project.named_environments import FOLDER, NamedEnvironment
from envkeep.result import Result

HELP = "make or renew an environment of its own lock, requirements/environments/NAME.in; NAME="
SHOWS_COMMANDS = True
NONE = (
    f"the project has no environment by name: write requirements/{FOLDER}/NAME.in, then run "
    "`make lock` and `make env NAME=...`."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", nargs="?", help="the environment, or NAME; without it all are told")


def run(arguments: argparse.Namespace) -> Result:
    """Make the environment if it is not there, and say how to run something in it.

    Raises:
        ToolError: There is no such environment, it is for other machines, or it cannot be made.
    """
    name = name_given(arguments.name)
    if not name:
        return _listed()
    lock = required(name)
    here = target.of_named(lock)
    with store.exclusive():
        folder = exporter.ensure(lock, here)
    link = store.of_exporter(lock).link
    interpreter = shown(python(link))
    data = {"name": name, "folder": shown(folder), "link": shown(link), "python": interpreter}
    return Result(data, [f"`{interpreter} FILE` runs a file in it; its programs lie beside that."])


def required(name: str) -> str:
    """Return what the lock of an environment by name is called.

    Raises:
        ToolError: The project has none of that name.
    """
    lock = f"{FOLDER}/{name}"
    if lock in named_environments.names():
        return lock
    known = ", ".join(each.rpartition("/")[2] for each in named_environments.names())
    raise ToolError(f"the project has no environment {name}; it has {known}." if known else NONE)


def _listed() -> Result:
    found = named_environments.all_named()
    data = [
        {"name": each.name, "backends": list(each.backends), "platforms": list(each.platforms)}
        for each in found
    ]
    return Result(data, [_line(each) for each in found] or [NONE])


def _line(each: NamedEnvironment) -> str:
    active = store.active(store.of_exporter(each.lock))
    state = active.name if active else f"none; `make env NAME={each.name}` makes it"
    return f"{each.name} ({', '.join(each.backends)}): {state}"
