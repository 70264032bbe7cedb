"""Say what changed between two locks or environments."""

from __future__ import annotations

import argparse
from dataclasses import replace

from envkeep.diff import changes, sides
from envkeep.diff.examine import examine
from envkeep.diff.report import as_data, as_lines
from envkeep.diff.sides import NOW, Side
from envkeep.inputs import given
from envkeep.project import target as backends
from envkeep.result import Result

HELP = "say what changed since the last commit, or from A to B: commits, folders, environments"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    what = "a commit, a folder of locks, or the name of an environment"
    parser.add_argument("before", metavar="A", nargs="?", help=f"{what}; the last commit")
    parser.add_argument("after", metavar="B", nargs="?", help="the same; by default what is there")
    parser.add_argument("--offline", action="store_true", help="ask nobody in the network")
    parser.add_argument("--service", default="pypi", help="who is asked, as for `audit`")


def run(arguments: argparse.Namespace) -> Result:
    """Return what changed; change nothing.

    Raises:
        ToolError: One of both cannot be compared.
    """
    target = backends.chosen().target
    one = given(arguments.before, "A") or "HEAD"
    other = given(arguments.after, "B") or NOW
    before, after = sides.read_sides(one, other, target)
    if not (before.installed and after.installed):
        before, after = _without_sizes(before), _without_sizes(after)
    found = changes.compare_sides(before, after)
    report = examine(before, after, found, None if arguments.offline else arguments.service)
    return Result(as_data(report), [*as_lines(report)])


def _without_sizes(side: Side) -> Side:
    packages = {key: replace(each, size=None) for key, each in side.packages.items()}
    return replace(side, packages=packages)
