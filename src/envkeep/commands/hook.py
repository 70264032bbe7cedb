"""Run a program of the active environment for a git hook, which finds no other one."""

from __future__ import annotations

import argparse

from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.lint.output import passed_on
from envkeep.paths import program, shown

HELP = "run a program of the active environment, as git's hooks do"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--optional",
        action="store_true",
        help="check nothing where the program has no build for this platform",
    )
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")


def run(arguments: argparse.Namespace) -> int:
    """Return the program's exit code.

    Raises:
        ToolError: The environment has no such program, and it is not optional.
    """
    found = program(DEVELOPMENT.link, arguments.program)
    if found.exists():
        return passed_on([found, *arguments.arguments])
    if arguments.optional:
        print(f"note: there is no {arguments.program} for this platform; nothing was checked.")
        return 0
    raise ToolError(
        f"there is no {arguments.program} in {shown(DEVELOPMENT.link)}; run `make install`."
    )
