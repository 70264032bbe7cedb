"""List the licenses of everything that is locked and installed, and refuse denied ones."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from envkeep.audit.licenses import SETTING, UNKNOWN, LockedLicense, locked_licenses
from envkeep.environments.store import DEVELOPMENT, PRODUCTION
from envkeep.result import Result

HELP = "list the licenses of what is locked; fail if pyproject.toml denies one of them"
ALIASES = ("licences",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--production", action="store_true", help="what .venv-prod has alone")


def run(arguments: argparse.Namespace) -> Result:
    """Return a table, grouped by license, what is not known first; a denied license fails.

    Raises:
        ToolError: No environment is active.
    """
    found = locked_licenses(PRODUCTION if arguments.production else DEVELOPMENT)
    data = [{**asdict(row), "licence": row.license} for row in found]  # the name of before as well
    lines = [*_table(found)]
    bad = [row for row in found if row.denied]
    if not bad:
        return Result(data, lines)
    named = ", ".join(f"{row.name} {row.version} ({row.license})" for row in bad)
    return Result.failed(
        f"pyproject.toml denies the license of {named}: take another package, or change {SETTING} "
        "in [tool.project].",
        data,
        lines,
    )


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
