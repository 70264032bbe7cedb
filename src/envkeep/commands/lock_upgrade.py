"""Compile the locks and take newer versions of the team's own packages."""

from __future__ import annotations

import argparse

from envkeep.commands import lock
from envkeep.result import Result

HELP = "as lock, with newer versions of packages outside the stack release"
SHOWS_COMMANDS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    lock.add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Compile; the stack release's pins hold here too, `make update` moves those."""
    return lock.compile_here(arguments, upgrade=True)
