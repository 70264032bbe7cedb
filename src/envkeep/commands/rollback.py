"""Go back to the environment that was active before."""

from __future__ import annotations

import argparse

from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION
from envkeep.paths import shown
from envkeep.result import Result

HELP = "switch back to the environment before; NAME goes to another one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", nargs="?", help="go to this one; `make environments` lists them")
    parser.add_argument("--prod", action="store_true", help="roll the production environment back")


def run(arguments: argparse.Namespace) -> Result:
    """Switch the link back; the newer environment stays and `make install` returns to it."""
    kind = PRODUCTION if arguments.prod else DEVELOPMENT
    with store.exclusive():
        environment = store.roll_back(kind, arguments.name)
    link, folder = shown(kind.link), shown(environment.folder)
    data = {"environment": environment.name, "folder": folder, "link": link}
    again = "install-prod" if arguments.prod else "install"
    lines = [f"{link} -> {folder} (made {environment.created})"]
    return Result(data, [*lines, f"`make {again}` returns to the environment of the locks."])
