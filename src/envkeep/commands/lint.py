"""Check all files by the list of checks that git runs at a commit."""

from __future__ import annotations

import argparse

from envkeep.commands import project_tasks
from envkeep.environments.store import DEVELOPMENT
from envkeep.lint import adopted, git_hooks
from envkeep.project.metadata import is_adopted

HELP = "check all files as the git hooks do: style, types, secrets; mypy takes one check"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("check", nargs="?", help="the id of one check; by default all")


def run(arguments: argparse.Namespace) -> int:
    """Run the checks on all files that git knows, or what an adopted project has of its own."""
    if is_adopted():
        return project_tasks.run_steps(adopted.lint_steps())
    project_tasks.python_of(DEVELOPMENT)
    return git_hooks.check_all(arguments.check)
