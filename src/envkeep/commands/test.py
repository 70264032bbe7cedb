"""Run the project's tests."""

from __future__ import annotations

import argparse

from envkeep.commands import project_tasks

HELP = "run the tests; `-k name` and all else goes to pytest"
TAKES_THE_REST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Run the steps until one fails, in the development environment."""
    return project_tasks.run_steps(project_tasks.steps_of("test"), arguments.rest)
