"""Write what is locked as a software bill of materials (SBOM) in the form of CycloneDX."""

from __future__ import annotations

import argparse
from pathlib import Path

from envkeep.audit import licenses, sbom
from envkeep.commands import env
from envkeep.errors import ToolError
from envkeep.files import write_whole
from envkeep.inputs import name_given
from envkeep.locks import indexes, lockfile
from envkeep.locks.lock_set import Locks
from envkeep.paths import SBOMS, shown
from envkeep.project import target as backends
from envkeep.project.requirements import PRODUCTION_LAYERS, layers
from envkeep.project.target import Target
from envkeep.result import Result
from envkeep.toolchain import pip_by_name

HELP = "write what is locked as an SBOM (CycloneDX); --production, --env NAME take that alone"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--production", action="store_true", help="what production has alone")
    parser.add_argument("--env", metavar="NAME", help="an environment by name alone, or NAME")
    parser.add_argument("--output", type=Path, metavar="FILE", help=f"else in {shown(SBOMS)}/")


def run(arguments: argparse.Namespace) -> Result:
    """Write the file and return where it is.

    Raises:
        ToolError: The project has no locks, or the file cannot be written.
    """
    target, wanted, part = _chosen(arguments)
    files = Locks(target).require(wanted)
    entries = {path.stem: lockfile.parse_lock(path.read_text(encoding="utf-8")) for path in files}
    ties = indexes.ties(target)
    tied = {
        entry.name: tie.url
        for each in entries.values()
        for entry in each
        if entry.version and (tie := pip_by_name.tie_of(ties, entry.name)) and not tie.is_folder
    }
    known = licenses.known_licenses()
    document = sbom.describe_locks(entries, known, sbom.own_component(), tied)
    text = sbom.render_sbom(document)
    place: Path = arguments.output or SBOMS / f"{target.name}{part}.cdx.json"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, text)
    except OSError as error:
        raise ToolError(f"{shown(place)} cannot be written: {error.strerror}.") from error
    rows = document["components"]
    count = sum(1 for row in rows if row["license"])
    lines = [f"{shown(place)} has {len(rows)} components, the licenses of {count} are known."]
    if count < len(rows):
        where = "the environments that are installed here: see `make install`."
        lines.append(f"Licenses are read from {where}")
    data = {"file": shown(place), "components": len(rows), "licenses_known": count}
    return Result(data, lines)


def _chosen(arguments: argparse.Namespace) -> tuple[Target, tuple[str, ...], str]:
    """Return what is described: for which target, which locks, and how the file's name ends.

    Raises:
        ToolError: There is no such environment, or production is asked for as well.
    """
    name = name_given(arguments.env)
    if not name:
        part = "-production" if arguments.production else ""
        wanted = PRODUCTION_LAYERS if arguments.production else layers()
        return backends.chosen().target, wanted, part
    if arguments.production:
        raise ToolError("--production and an environment by name are two documents: name one.")
    lock = env.required(name)
    return backends.of_named(lock), (lock,), f"-{name}"
