# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Care for this project's environment, and its own commands run in it."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import Protocol

from .commands import (
    audit,
    benchmark,
    bisect,
    check_files,
    conda,
    diff,
    doctor,
    exporter,
    image,
    install,
    install_prod,
    lab,
    licences,
    links,
    lint,
    list_generations,
    lock,
    lock_all,
    lock_check,
    lock_upgrade,
    notebooks,
    project_tasks,
    promote,
    prune,
    regression,
    restore,
    rollback,
    save,
    sbom,
    setup,
    status,
    style,
    targets,
    try_change,
    update,
    update_branch,
)
from .errors import ToolError
from .paths import shown

EXPECTED = (errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)
"""What a disk that is full or may not be written to answers."""


class Command(Protocol):
    """What a module under ``commands`` offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do the work and return the exit code."""


COMMANDS: dict[str, Command] = {
    "setup": setup,
    "doctor": doctor,
    "lock": lock,
    "lock-upgrade": lock_upgrade,
    "lock-all": lock_all,
    "install": install,
    "install-prod": install_prod,
    "exporter": exporter,
    "conda": conda,
    "image": image,
    "try": try_change,
    "promote": promote,
    "rollback": rollback,
    "generations": list_generations,
    "prune": prune,
    "save": save,
    "restore": restore,
    "bisect": bisect,
    "status": status,
    "diff": diff,
    "update": update,
    "lint": lint,
    "check-files": check_files,
    "style": style,
    "lock-check": lock_check,
    "links": links,
    "notebooks": notebooks,
    "lab": lab,
    "audit": audit,
    "licences": licences,
    "sbom": sbom,
    "regression": regression,
    "benchmark": benchmark,
    "update-branch": update_branch,
    "targets": targets,
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with one subcommand per module, then the project's own tasks.

    Without a command it lists the targets, as ``make`` does.
    """
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    parser.set_defaults(run=targets.run, makefiles=[])
    subcommands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = subcommands.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    project_tasks.add_tasks(subcommands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; a mendable error becomes one sentence and exit code 1."""
    try:
        return _run(build_parser(), argv)
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


def _run(parser: argparse.ArgumentParser, argv: list[str] | None) -> int:
    arguments, rest = parser.parse_known_args(argv)
    if rest and not project_tasks.is_task(arguments.command):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    code: int = arguments.run(arguments)
    return code
