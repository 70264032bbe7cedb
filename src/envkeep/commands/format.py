"""Format the project's files."""

from __future__ import annotations

import argparse

from envkeep.commands import project_tasks

HELP = "fix what ruff can fix in your files, and format them"
TAKES_THE_REST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Run the steps until one fails, in the development environment."""
    return project_tasks.run_steps(project_tasks.steps_of("format"), arguments.rest)
