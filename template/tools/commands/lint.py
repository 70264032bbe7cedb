# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Check all files by the list of checks that git runs at a commit."""

from __future__ import annotations

import argparse

from .. import adopted_checks, git_hooks
from ..generations import DEVELOPMENT
from ..project import is_adopted
from . import project_tasks

HELP = "check all files as the git hooks do: style, types, secrets and more"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("check", nargs="?", help="the id of one check; by default all")


def run(arguments: argparse.Namespace) -> int:
    """Run the checks on all files that git knows, or what an adopted project has of its own."""
    if is_adopted():
        return project_tasks.run_steps(adopted_checks.lint_steps())
    project_tasks.python_of(DEVELOPMENT)
    return git_hooks.check_all(arguments.check)
