"""List the licenses of everything that is locked and installed, and refuse those nobody wants."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from envkeep.audit import licenses
from envkeep.audit.licenses import SETTING, UNKNOWN
from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, pinned
from envkeep.paths import shown
from envkeep.process import say
from envkeep.project import target as backends
from envkeep.project.requirements import PRODUCTION_LAYERS, layers

HELP = "list the licenses of what is locked; fail if pyproject.toml denies one of them"


@dataclass(frozen=True)
class Row:
    """A locked package.

    Attributes:
        name: Its name.
        version: Its version.
        license: What its metadata state, or ``unknown``.
        denied: Whether the team does not want that.
    """

    name: str
    version: str
    license: str
    denied: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--production", action="store_true", help="what .venv-prod has alone")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print a table, grouped by license, what is not known first.

    Raises:
        ToolError: There is no environment, or a license in it is denied.
    """
    found = rows(PRODUCTION if arguments.production else DEVELOPMENT)
    if arguments.json:
        say(json.dumps([asdict(row) for row in found], indent=2))
    else:
        for line in table(found):
            say(line)
    bad = [row for row in found if row.denied]
    if bad:
        named = ", ".join(f"{row.name} {row.version} ({row.license})" for row in bad)
        raise ToolError(
            f"pyproject.toml denies the license of {named}: take another package, or change "
            f"{SETTING} in [tool.project]."
        )
    return 0


def rows(kind: Kind) -> list[Row]:
    """Return what is locked for the active environment of a kind, in the order of the table.

    Raises:
        ToolError: There is no such environment.
    """
    if store.active(kind) is None:
        target = "install" if kind is DEVELOPMENT else "install-prod"
        raise ToolError(
            f"licenses are read from {shown(kind.link)}, which is not there; run `make {target}`."
        )
    wanted = layers() if kind is DEVELOPMENT else PRODUCTION_LAYERS
    files = Locks(backends.chosen().target).require(wanted)
    locked = {name: version for path in files for name, version in pinned(path).items()}
    return judged(locked, licenses.known())


def judged(locked: Mapping[str, str], stated: Mapping[tuple[str, str], str]) -> list[Row]:
    """Return the rows of the table: what is not known first, then by license.

    Args:
        locked: Versions by package.
        stated: Licenses by package and version.
    """
    unwanted = licenses.denied()
    found = {name: stated.get((name, version), UNKNOWN) for name, version in locked.items()}
    refused = licenses.refused(set(found.values()), unwanted)
    table = [
        Row(name, version, found[name], found[name] in refused) for name, version in locked.items()
    ]
    return sorted(table, key=lambda row: (row.license != UNKNOWN, row.license.lower(), row.name))


def table(found: Iterable[Row]) -> Iterator[str]:
    """Yield the table's lines, each license with what it is for."""
    members: dict[str, list[Row]] = {}
    for row in found:
        members.setdefault(row.license, []).append(row)
    for license, group in members.items():
        mark = ", which pyproject.toml denies" if group[0].denied else ""
        yield f"{license} ({len(group)}){mark}"
        yield from (f"  {row.name} {row.version}" for row in group)
    yield f"{sum(map(len, members.values()))} packages, {len(members.get(UNKNOWN, []))} unknown."
