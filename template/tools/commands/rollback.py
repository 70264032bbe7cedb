# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Go back to the environment that was active before."""

from __future__ import annotations

import argparse

from .. import generations
from ..generations import DEVELOPMENT, PRODUCTION
from ..paths import shown
from ..run import say

HELP = "switch back to the environment that was active before"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", nargs="?", help="go to this one; `make generations` lists them")
    parser.add_argument("--prod", action="store_true", help="roll the production environment back")


def run(arguments: argparse.Namespace) -> int:
    """Switch the link back; the newer environment stays and `make install` returns to it."""
    kind = PRODUCTION if arguments.prod else DEVELOPMENT
    with generations.exclusive():
        generation = generations.roll_back(kind, arguments.name)
    say(f"{shown(kind.link)} -> {shown(generation.folder)} (made {generation.created})")
    return 0
