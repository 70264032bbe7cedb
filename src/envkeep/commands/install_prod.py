"""Make the production environment: the 30-prod layer and the project, nothing else."""

from __future__ import annotations

import argparse

from envkeep.commands import install
from envkeep.environments import store
from envkeep.project.requirements import PRODUCTION_LAYERS
from envkeep.result import Result

HELP = "make the production environment (30-prod alone) in .venv-prod"
SHOWS_COMMANDS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> Result:
    """Install the production environment."""
    with store.exclusive():
        return install.install(store.PRODUCTION, PRODUCTION_LAYERS, reason="make install-prod")
