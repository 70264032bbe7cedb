"""Run DVC, which has an environment of its own, on the project's data and stages."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from envkeep.commands import exporter
from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import program, scripts, shown
from envkeep.process import run as run_program
from envkeep.project.requirements import DVC, exporters

HELP = "run DVC, which versions data and models; `add FILE`, `repro`, `push` and more go to it"
TAKES_THE_REST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Make DVC's environment if it is not there, and hand over to DVC.

    Its stages find the project's own Python as `python`.

    Raises:
        ToolError: The project does without DVC, or its environment could not be made.
    """
    if DVC not in exporters():
        raise ToolError(
            "the project does without DVC; add it by "
            '`make update ARGS="--data data_versioning=dvc"`, then `make lock`.'
        )
    with contextlib.redirect_stdout(sys.stderr), store.exclusive():
        environment = exporter.ensure(DVC)
    path = os.pathsep.join([str(scripts(DEVELOPMENT.link)), os.environ.get("PATH", os.defpath)])
    command = [shown(program(environment, "dvc")), *(arguments.rest or ["--help"])]
    return run_program(command, env={"PATH": path}, mode="foreground").code
