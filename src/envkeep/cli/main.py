"""Parse a command line, run the command that it names, and print the result."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import NoReturn, Protocol, cast

from envkeep import commands, progress
from envkeep.cli import output
from envkeep.commands import Listed
from envkeep.errors import ToolError
from envkeep.paths import shown
from envkeep.result import DONE, INTERRUPTED, USAGE, Result

PROGRAM = "python keep.py"
LISTS_TARGETS = "targets"
UNCHANGED = "the active environment was left as it was."
EXPECTED = (errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)
"""errno values of disks that are full or may not be written to."""
HELP = """\
usage: {program} COMMAND [ARGUMENT ...]

Care for this project's environment, and run the project's own commands in it.

{listed}

`{program} COMMAND --help` says what a command takes; inputs such as CHANGE may be variables too.
--json prints what a command reports as one JSON document, --verbose shows what it runs.
Exit codes: {codes}."""
EXIT_CODES = "0 done, 1 failed, 2 wrong arguments, 130 interrupted"


class Command(Protocol):
    """The interface of a module under ``commands``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, arguments: argparse.Namespace) -> Result | int:
        """Do the work; print nothing but progress."""


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one sentence and points to the help."""

    def error(self, message: str) -> NoReturn:
        """Exit with the code of wrong arguments."""
        self.exit(USAGE, f"error: {message}; `{self.prog} --help` says what it takes.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; without a name, list the targets of make."""
    name, *rest = [*(sys.argv[1:] if argv is None else argv)] or [LISTS_TARGETS]
    try:
        return _run(name, rest)
    except BrokenPipeError:  # who read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def parser_of(listed: Listed) -> Parser:
    """Return the parser of a command, which is imported for it."""
    command = module_of(listed)
    parser = Parser(
        prog=f"{PROGRAM} {listed.name}",
        description=f"{listed.help[:1].upper()}{listed.help[1:]}.",
        epilog=f"Exit codes: {EXIT_CODES}.",
    )
    command.add_arguments(parser)
    if reports(command):
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--verbose", action="store_true", help="show the programs that it runs, without a log"
        )
    return parser


def module_of(listed: Listed) -> Command:
    """Import a command."""
    return cast(Command, importlib.import_module(f"{commands.__name__}.{listed.module}"))


def reports(command: Command) -> bool:
    """Tell whether a command returns a result, as its signature says."""
    return bool(command.run.__annotations__["return"] == Result.__name__)


def _run(name: str, rest: Sequence[str]) -> int:
    if name in ("-h", "--help"):
        print(_overview())
        return DONE
    listed = commands.find(name)
    if listed:
        return _run_command(listed, rest)
    return output.show(_attempt(lambda: _run_own(name, rest)))


def _run_command(listed: Listed, rest: Sequence[str]) -> int:
    command = module_of(listed)
    if getattr(command, "TAKES_THE_REST", False):
        arguments = argparse.Namespace(rest=rest)
        return output.show(_attempt(lambda: command.run(arguments)))
    arguments = parser_of(listed).parse_args(rest)
    if not reports(command):
        return output.show(_attempt(lambda: command.run(arguments)))
    log = progress.logged(
        listed.name,
        verbose=arguments.verbose or getattr(command, "SHOWS_PROGRAMS", False),
        shows_commands=getattr(command, "SHOWS_COMMANDS", False),
    )
    with output.aside(is_wanted=arguments.json):
        result = _attempt(lambda: command.run(arguments), log)
    return output.show(result, as_json=arguments.json)


def _run_own(name: str, rest: Sequence[str]) -> Result | int:
    """Run a command of the project's package."""
    import difflib  # this and more is imported where it is needed: `make` waits for all above

    from envkeep.commands import project_tasks
    from envkeep.project import own_commands

    own = own_commands.names()
    if name in own:
        return project_tasks.run_command(name, rest)
    near = difflib.get_close_matches(name, [*commands.listed(), *own], 1)
    meant = f"; did you mean {near[0]}?" if near else ";"
    sentence = f"there is no command {name}{meant} `{PROGRAM} --help` lists all."
    return Result(exit_code=USAGE, error=sentence)


def _attempt(
    run: Callable[[], Result | int], log: AbstractContextManager[None] | None = None
) -> Result:
    """Return the result of a command, also if refused, interrupted, or out of disk space."""
    try:
        with log or nullcontext():
            return _finished(run())
    except ToolError as error:
        return Result.failed(str(error))
    except OSError as error:
        if error.errno not in EXPECTED:
            raise
        where = f"{shown(error.filename)}: " if error.filename else ""
        return Result.failed(f"{where}{error.strerror}; the active environment is as it was.")
    except KeyboardInterrupt as interrupt:
        return Result(exit_code=INTERRUPTED, error=str(interrupt) or UNCHANGED)


def _finished(outcome: Result | int) -> Result:
    """Return what a command returned as a result, whose error names the log."""
    if isinstance(outcome, int):
        return Result(exit_code=outcome)
    place = progress.place_of_log()
    if not (outcome.error and place):
        return outcome
    error = ToolError(outcome.error)
    error.add(place)
    return outcome._replace(error=str(error))


def _overview() -> str:
    """Return the help that lists all commands without importing any."""
    from envkeep.project import own_commands

    own: dict[str, str] = {}
    with suppress(ToolError):  # of a damaged project the other commands can be listed still
        own = {name: own_commands.help_of(name) for name in own_commands.names()}
    known = {each.name: each.help for each in commands.listed().values()}
    parts = [_titled("Commands", known), _titled("Commands of the project's package", own)]
    listed = "\n\n".join(filter(None, parts))
    return HELP.format(program=PROGRAM, listed=listed, codes=EXIT_CODES)


def _titled(title: str, rows: dict[str, str]) -> str:
    lines = [f"  {name:<14} {text}".rstrip() for name, text in rows.items()]
    return "\n".join([f"{title}:", *lines]) if rows else ""
