"""Check Python files with ruff, the team's by its settings and the template's by the template's."""

from __future__ import annotations

import argparse
import os
import sys

from envkeep.lint.style import check_steps
from envkeep.process import run as run_program

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
        done = run_program([sys.executable, *step], mode="capture", check=False)
        os.write(sys.stdout.fileno(), done.output)
        print(done.errors, end="", file=sys.stderr, flush=True)
        code = max(code, done.code)
    return code
