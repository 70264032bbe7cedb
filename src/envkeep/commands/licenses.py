"""List the licenses of everything that is locked and installed, and refuse those nobody wants."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from envkeep.audit.licenses import SETTING, UNKNOWN, LockedLicense, locked_licenses
from envkeep.environments.store import DEVELOPMENT, PRODUCTION
from envkeep.errors import ToolError
from envkeep.process import say

HELP = "list the licenses of what is locked; fail if pyproject.toml denies one of them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--production", action="store_true", help="what .venv-prod has alone")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print a table, grouped by license, what is not known first.

    Raises:
        ToolError: There is no environment, or a license in it is denied.
    """
    found = locked_licenses(PRODUCTION if arguments.production else DEVELOPMENT)
    if arguments.json:
        say(json.dumps([asdict(row) for row in found], indent=2))
    else:
        for line in _table(found):
            say(line)
    bad = [row for row in found if row.denied]
    if bad:
        named = ", ".join(f"{row.name} {row.version} ({row.license})" for row in bad)
        raise ToolError(
            f"pyproject.toml denies the license of {named}: take another package, or change "
            f"{SETTING} in [tool.project]."
        )
    return 0


def _table(found: Iterable[LockedLicense]) -> Iterator[str]:
    """Yield the table's lines, each license with what it is for."""
    members: dict[str, list[LockedLicense]] = {}
    for row in found:
        members.setdefault(row.license, []).append(row)
    for license, group in members.items():
        mark = ", which pyproject.toml denies" if group[0].denied else ""
        yield f"{license} ({len(group)}){mark}"
        yield from (f"  {row.name} {row.version}" for row in group)
    yield f"{sum(map(len, members.values()))} packages, {len(members.get(UNKNOWN, []))} unknown."
