# Owned by the template: every update rewrites this file. Commands of your own: commands/.
"""The command line: one subcommand for every module in this folder and in `commands/`.

There one with the name of a module here takes its place. A command has `HELP`,
`add_arguments(parser)` and `run(args)`, which returns the exit status. With `TAKES_SETTINGS = True`
it also gets unknown arguments such as `--training.epochs 3`, unparsed, as `args.settings`. Commands
import heavy packages inside `run`, so that `--help` stays quick and the others work in an
environment that lacks those packages.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from ..errors import ProjectError, Terminated
from ..project_folder import enter_project, in_project

PACKAGE = __name__.partition(".")[0]
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

_KIT = Path(__file__).parent
_FOLDERS = {__name__: _KIT, f"{PACKAGE}.commands": _KIT.parents[1] / "commands"}


class Command(Protocol):
    """What the module of a command offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own options."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit status."""


class Parser(argparse.ArgumentParser):
    """A parser whose help lists the settings too, for a command with TAKES_SETTINGS."""

    def format_help(self) -> str:
        """Return the help; only here are the settings imported, so that all else stays quick."""
        text = super().format_help()
        if not self.get_default("takes_settings"):
            return text
        try:
            config = importlib.import_module(f"{PACKAGE}.config")
        except ModuleNotFoundError:  # an environment that predicts only
            return text
        settings = config.Config.help_text(in_project(config.DEFAULT_CONFIG))
        return f"{text}\nsettings:\n{settings}\n"


def discover() -> dict[str, Command]:
    """Return the commands by name, in alphabetical order."""
    places = {
        module.name: package
        for package, folder in _FOLDERS.items()
        for module in pkgutil.iter_modules([str(folder)])
    }
    modules = {name: importlib.import_module(f"{places[name]}.{name}") for name in sorted(places)}
    return {name.replace("_", "-"): cast(Command, module) for name, module in modules.items()}


def build_parser() -> Parser:
    """Return the parser with a subparser for every command."""
    parser = Parser(prog=f"python -m {PACKAGE}", allow_abbrev=False)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in discover().items():
        subparser = subparsers.add_parser(
            name, help=command.HELP, description=command.HELP, allow_abbrev=False
        )
        command.add_arguments(subparser)
        takes_settings = getattr(command, "TAKES_SETTINGS", False)
        subparser.set_defaults(command=command, parser=subparser, takes_settings=takes_settings)
    return parser


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; `settings` holds what a command with TAKES_SETTINGS interprets."""
    args, rest = build_parser().parse_known_args(argv)
    if rest and not args.takes_settings:
        args.parser.error(f"unknown argument: {rest[0]}")
    args.settings = rest
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    args = parse(argv)
    try:
        enter_project(args)
        status: int = args.command.run(args)
    except (ProjectError, OSError) as error:  # OSError: no space, no permission
        print(f"Error: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt as interrupt:
        print(str(interrupt) or "Interrupted.", file=sys.stderr)
        # What tells of an interrupt in words of its own has it as its context.
        ended = isinstance(interrupt, Terminated) or isinstance(interrupt.__context__, Terminated)
        return EXIT_TERMINATED if ended else EXIT_INTERRUPTED
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == PACKAGE:
            raise
        name = args.parser.prog.split()[-1]
        print(f"Error: {name} needs {error.name}, which is not installed here.", file=sys.stderr)
        return EXIT_ERROR
    return status
