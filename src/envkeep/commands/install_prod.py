"""Make the production environment: the 30-prod layer and the project, nothing else."""

from __future__ import annotations

import argparse

from envkeep.commands import install
from envkeep.environments import store
from envkeep.project.requirements import PRODUCTION_LAYERS

HELP = "make the production environment (30-prod alone) in .venv-prod"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Install the production environment."""
    with store.exclusive():
        install.install(store.PRODUCTION, PRODUCTION_LAYERS, reason="make install-prod")
    return 0
