"""The command line: one subcommand for every module in `commands/`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .commands import discover
from .kit.errors import ProjectError, Terminated
from .kit.project_folder import enter_project, in_project

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class Parser(argparse.ArgumentParser):
    """A parser whose help lists the settings too, for a command with TAKES_SETTINGS."""

    def format_help(self) -> str:
        """Return the help; only here are the settings imported, so that all else stays quick."""
        text = super().format_help()
        if not self.get_default("takes_settings"):
            return text
        try:
            from .config import DEFAULT_CONFIG, Config
        except ModuleNotFoundError:  # an environment that predicts only
            return text
        return f"{text}\nsettings:\n{Config.help_text(in_project(DEFAULT_CONFIG))}\n"


def build_parser() -> Parser:
    """Return the parser with a subparser for every command."""
    parser = Parser(prog=f"python -m {__package__}", allow_abbrev=False)
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
        if (error.name or "").split(".")[0] == __package__:
            raise
        name = args.parser.prog.split()[-1]
        print(f"Error: {name} needs {error.name}, which is not installed here.", file=sys.stderr)
        return EXIT_ERROR
    return status
