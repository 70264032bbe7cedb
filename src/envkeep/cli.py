"""Care for this project's environment, and its own commands run in it."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from envkeep.errors import ToolError
from envkeep.paths import shown

EXPECTED = (errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)
"""What a disk that is full or may not be written to answers."""

COMMANDS = (
    "setup",
    "doctor",
    "lock",
    "lock-upgrade",
    "lock-all",
    "install",
    "install-prod",
    "exporter",
    "conda",
    "image",
    "try",
    "promote",
    "rollback",
    "generations",
    "prune",
    "save",
    "restore",
    "bisect",
    "status",
    "diff",
    "update",
    "lint",
    "hook",
    "check-files",
    "style",
    "lock-check",
    "links",
    "notebooks",
    "lab",
    "audit",
    "licences",
    "sbom",
    "regression",
    "benchmark",
    "update-branch",
    "targets",
)
MODULES = {"generations": "environments", "licences": "licenses", "try": "try_"}
"""The modules that are not named like their command."""

LISTS_TARGETS = "targets"


class Command(Protocol):
    """What a module under ``commands`` offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do the work and return the exit code."""


def build_parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """Return the parser with one subcommand per module, then the project's own tasks.

    Args:
        wanted: The only command that the parser needs to know: importing all of them takes longer
            than most of them run. What is none of them gets the parser that lists them all.
    """
    parser = argparse.ArgumentParser(prog="python keep.py", description=__doc__)
    subcommands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    if wanted in COMMANDS:
        _add_command(subcommands, wanted)
        return parser
    from envkeep.commands import project_tasks

    if wanted is None or not project_tasks.is_task(wanted):
        for name in COMMANDS:
            _add_command(subcommands, name)
    project_tasks.add_tasks(subcommands)
    return parser


def module_of(command: str) -> str:
    """Return the name of the module under ``commands`` that a command is."""
    return MODULES.get(command, command.replace("-", "_"))


def _add_command(
    subcommands: argparse._SubParsersAction[argparse.ArgumentParser], name: str
) -> None:
    module = importlib.import_module(f".commands.{module_of(name)}", __package__)
    command = cast(Command, module)
    subparser = subcommands.add_parser(name, help=command.HELP, description=command.HELP)
    command.add_arguments(subparser)
    subparser.set_defaults(run=command.run)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, by default the list of targets, as ``make`` does.

    A mendable error becomes one sentence and exit code 1.
    """
    try:
        return _run([*(sys.argv[1:] if argv is None else argv)] or [LISTS_TARGETS])
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # who read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in EXPECTED:
            raise
        where = f"{shown(error.filename)}: " if error.filename else ""
        reason = f"{where}{error.strerror}"
        print(f"error: {reason}; the active environment is as it was.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the active environment was left as it was.", file=sys.stderr)
        return 130


def _run(argv: list[str]) -> int:
    parser = build_parser(argv[0])
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command in COMMANDS:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    code: int = arguments.run(arguments)
    return code
