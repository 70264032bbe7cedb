# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Compile the locks from the requirements."""

from __future__ import annotations

import argparse

from .. import generations, locks, managers
from ..paths import shown
from ..requirements import layers
from ..run import say

HELP = "compile the locks, layer by layer, with hashes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Compile; own packages keep the versions that the locks already hold."""
    with generations.exclusive():
        compile_locks(upgrade=False)
    return 0


def compile_locks(*, upgrade: bool) -> None:
    """Compile all layers; if one fails, all locks stay as they were."""
    with locks.all_or_nothing():
        managers.chosen().lock(layers(), upgrade=upgrade)
    say(f"Locked in {shown(locks.folder())}: commit that folder, then run `make install`.")
