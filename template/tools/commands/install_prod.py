# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make the production environment: the 30-prod layer and the project, nothing else."""

from __future__ import annotations

import argparse

from .. import generations
from ..requirements import PRODUCTION_LAYERS
from . import install

HELP = "make the production environment (30-prod alone) in .venv-prod"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Install the production environment."""
    with generations.exclusive():
        install.install(generations.PRODUCTION, PRODUCTION_LAYERS, reason="make install-prod")
    return 0
