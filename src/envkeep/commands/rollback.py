"""Go back to the environment that was active before."""

from __future__ import annotations

import argparse

from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION
from envkeep.paths import shown
from envkeep.process import say

HELP = "switch back to the environment that was active before"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", nargs="?", help="go to this one; `make generations` lists them")
    parser.add_argument("--prod", action="store_true", help="roll the production environment back")


def run(arguments: argparse.Namespace) -> int:
    """Switch the link back; the newer environment stays and `make install` returns to it."""
    kind = PRODUCTION if arguments.prod else DEVELOPMENT
    with store.exclusive():
        generation = store.roll_back(kind, arguments.name)
    say(f"{shown(kind.link)} -> {shown(generation.folder)} (made {generation.created})")
    return 0
