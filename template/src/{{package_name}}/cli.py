"""The command line: one subcommand for every module in `commands/`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .commands import discover
from .kit.errors import ProjectError, Terminated
from .kit.project_folder import enter_project

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser with a subparser for every command."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", allow_abbrev=False)
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
    """Parses the command line; `settings` holds what a command with TAKES_SETTINGS interprets."""
    args, rest = build_parser().parse_known_args(argv)
    if rest and not args.takes_settings:
        args.parser.error(f"unknown argument: {rest[0]}")
    args.settings = rest
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
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
