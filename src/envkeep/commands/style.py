"""Check Python files with ruff, the team's by its settings and the template's by the template's."""

from __future__ import annotations

import argparse
import sys

from envkeep.lint.output import passed_on
from envkeep.lint.style import check_steps

HELP = "check files with ruff, each by the settings of whose it is; the hooks call it"
CHECKS = {"check": ["check"], "format": ["format", "--check"]}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("check", choices=CHECKS, help="the rules or the format")
    parser.add_argument("files", nargs="*", metavar="FILE", help="path from here")


def run(arguments: argparse.Namespace) -> int:
    """Print what ruff finds; fail if it finds anything."""
    code = 0
    for step in check_steps(CHECKS[arguments.check], arguments.files):
        code = max(code, passed_on([sys.executable, *step]))
    return code
