"""Say what changed between two locks or environments."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace

from envkeep.diff import changes, sides
from envkeep.diff.examine import examine
from envkeep.diff.report import as_data, lines
from envkeep.diff.sides import NOW, Side
from envkeep.process import say
from envkeep.project import target as backends

HELP = "say what changed between two locks: commits, folders, or environments in .venvs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    what = "a commit, a folder of locks, or the name of an environment"
    parser.add_argument("before", metavar="A", nargs="?", help=f"{what}; the last commit")
    parser.add_argument("after", metavar="B", nargs="?", help="the same; by default what is there")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--offline", action="store_true", help="ask nobody in the network")
    parser.add_argument("--service", default="pypi", help="who is asked, as for `audit`")


def run(arguments: argparse.Namespace) -> int:
    """Print what changed; changes nothing.

    Raises:
        ToolError: One of both is nothing that can be compared.
    """
    target = backends.chosen().target
    one = arguments.before or os.environ.get("A") or "HEAD"
    other = arguments.after or os.environ.get("B") or NOW
    before, after = sides.pair(one, other, target)
    if not (before.installed and after.installed):
        before, after = _without_sizes(before), _without_sizes(after)
    found = changes.changes(before, after)
    with redirect_stdout(sys.stderr):  # what is asked and why it failed is no part of the report
        report = examine(before, after, found, None if arguments.offline else arguments.service)
    if arguments.json:
        say(json.dumps(as_data(report), indent=2))
    else:
        for line in lines(report):
            say(line)
    return 0


def _without_sizes(side: Side) -> Side:
    packages = {key: replace(each, size=None) for key, each in side.packages.items()}
    return replace(side, packages=packages)
