# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Delete environments that nobody goes back to."""

from __future__ import annotations

import argparse
import shutil

from .. import candidates, generations
from ..errors import ToolError
from ..files import in_words, size_of
from ..run import say

HELP = "delete all but the last environments of each kind, never an active one; --keep 3"
KEPT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--keep", type=int, default=KEPT, metavar="N", help=f"how many stay; {KEPT} by default"
    )


def run(arguments: argparse.Namespace) -> int:
    """Delete, and say what was deleted.

    Raises:
        ToolError: The number is below 1.
    """
    if arguments.keep < 1:
        raise ToolError("--keep must be 1 or more: the active environment always stays.")
    with generations.exclusive():
        gone = 0
        for folder in generations.superfluous(arguments.keep):
            size = size_of(folder)
            generations.delete(folder)
            say(f"deleted {folder.name}, {in_words(size)}")
            gone += size
        for candidate in candidates.kept():
            if generations.load(candidate.name) is None:
                shutil.rmtree(candidate.folder)
    say(f"{in_words(gone)} were freed." if gone else "There is nothing to delete.")
    return 0
