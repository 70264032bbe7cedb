"""List the licenses of everything that is locked and installed, and refuse those nobody wants."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from envkeep.audit import licenses
from envkeep.audit.licenses import SETTING, UNKNOWN
from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, pinned
from envkeep.paths import shown
from envkeep.project import target as backends
from envkeep.project.requirements import PRODUCTION_LAYERS, layers
from envkeep.result import Result

HELP = "list the licenses of what is locked; fail if pyproject.toml denies one of them"
ALIASES = ("licences",)


@dataclass(frozen=True)
class Row:
    """A locked package.

    Attributes:
        name: Its name.
        version: Its version.
        licence: What its metadata state, or ``unknown``.
        denied: Whether the team does not want that.
    """

    name: str
    version: str
    licence: str
    denied: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--production", action="store_true", help="what .venv-prod has alone")


def run(arguments: argparse.Namespace) -> Result:
    """Return a table, grouped by license, what is not known first; a denied license fails.

    Raises:
        ToolError: There is no environment.
    """
    found = rows(PRODUCTION if arguments.production else DEVELOPMENT)
    data, lines = [asdict(row) for row in found], [*table(found)]
    bad = [row for row in found if row.denied]
    if not bad:
        return Result(data, lines)
    named = ", ".join(f"{row.name} {row.version} ({row.licence})" for row in bad)
    return Result.failed(
        f"pyproject.toml denies the license of {named}: take another package, or change {SETTING} "
        "in [tool.project].",
        data,
        lines,
    )


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
    """Return the rows of the table: what is not known first, then by licence.

    Args:
        locked: Versions by package.
        stated: Licences by package and version.
    """
    unwanted = licenses.denied()
    found = {name: stated.get((name, version), UNKNOWN) for name, version in locked.items()}
    refused = licenses.refused(set(found.values()), unwanted)
    table = [
        Row(name, version, found[name], found[name] in refused) for name, version in locked.items()
    ]
    return sorted(table, key=lambda row: (row.licence != UNKNOWN, row.licence.lower(), row.name))


def table(found: Iterable[Row]) -> Iterator[str]:
    """Yield the table's lines, each licence with what it is for."""
    members: dict[str, list[Row]] = {}
    for row in found:
        members.setdefault(row.licence, []).append(row)
    for licence, group in members.items():
        mark = ", which pyproject.toml denies" if group[0].denied else ""
        yield f"{licence} ({len(group)}){mark}"
        yield from (f"  {row.name} {row.version}" for row in group)
    yield f"{sum(map(len, members.values()))} packages, {len(members.get(UNKNOWN, []))} unknown."
