"""What the command lines of the hooks share: how they end, what they print, their options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from envkeep.errors import ToolError
from hooks.errors import HookError

ROOT = Path(__file__).resolve().parent.parent


def ended(command: Callable[[], int], at_interrupt: Callable[[], str]) -> int:
    """Run a command and return its exit code; an error that the user can fix is one sentence.

    Args:
        command: What is run.
        at_interrupt: Returns what is left of it if the user interrupts it.
    """
    try:
        return command()
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, HookError) else 1
    except KeyboardInterrupt:
        print(f"interrupted: {at_interrupt()}", file=sys.stderr)
        return 130


def say(console: Console, text: str) -> None:
    """Print a line as it is: paths may hold brackets, and a pipe has no width."""
    console.print(text, soft_wrap=True, markup=False)


def folder(text: str) -> Path:
    """Return the path that an argument names, absolute."""
    return Path(text).expanduser().absolute()


def add_options(parser: argparse.ArgumentParser, *, about_source: str = "") -> None:
    """Declare where the template comes from and what answers it gets."""
    parser.add_argument(
        "--data", action="append", default=[], metavar="NAME=ANSWER", help="an answer; repeatable"
    )
    parser.add_argument(
        "--vcs-ref", metavar="REF", help="version of the template (default: its newest release)"
    )
    parser.add_argument(
        "--source",
        default=str(ROOT),
        help="where the template comes from and the project's updates will (default: this clone)"
        + about_source,
    )
