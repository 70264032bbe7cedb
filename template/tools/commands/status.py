# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Say which environments are active and whether they fit the locks and the requirements."""

from __future__ import annotations

import argparse

from .. import generations, locks
from ..generations import DEVELOPMENT, PRODUCTION, Kind
from ..paths import shown
from ..project import facts, machine, python_version
from ..requirements import PRODUCTION_LAYERS, layers
from ..run import say
from .install import project_hash

HELP = "show the machine, the locks and the active environments"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Print the state; changes nothing."""
    say(f"machine      {machine().describe()}")
    say(f"stack        {facts()['stack_release']}, Python {python_version()}")
    say(f"locks        {_locks()}")
    say(f"development  {_environment(DEVELOPMENT, layers())}")
    say(f"production   {_environment(PRODUCTION, PRODUCTION_LAYERS)}")
    return 0


def _locks() -> str:
    absent = locks.missing(layers())
    if absent:
        return f"{', '.join(absent)} missing: run `make lock`"
    state = "fresh" if locks.are_fresh() else "older than the requirements: run `make lock`"
    return f"{shown(locks.folder())}, {state}"


def _environment(kind: Kind, wanted: tuple[str, ...]) -> str:
    command = "make install" if kind is DEVELOPMENT else "make install-prod"
    generation = generations.active(kind)
    if generation is None:
        return f"none: run `{command}`"
    fits = not locks.missing(wanted) and generation.lock_sha256 == locks.lock_hash(wanted)
    if fits and generation.project_sha256 != project_hash(kind):
        return f"{generation.name}, made for an older state of the project: run `{command}`"
    state = "fits the locks" if fits else f"differs from the locks: run `{command}`"
    return f"{generation.name}, made {generation.created}, {state}"
