"""Write what is locked as a software bill of materials (SBOM) in the form of CycloneDX."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from packaging.utils import canonicalize_name

from envkeep.audit import licenses
from envkeep.errors import ToolError
from envkeep.files import write_whole
from envkeep.locks import lockfile
from envkeep.locks.lock_set import Locks
from envkeep.locks.lockfile import LockEntry
from envkeep.paths import PYPROJECT, ROOT, SBOMS, python, shown
from envkeep.process import announce, ended, environment, say
from envkeep.project import target as backends
from envkeep.project.requirements import PRODUCTION_LAYERS, layers
from envkeep.toolchain.pinned_tools import AUDIT

HELP = "write what is locked as an SBOM, CycloneDX 1.6 in JSON; the same bytes for the same locks"
WORKER = Path(__file__).parents[1] / "audit" / "sbom_worker.py"
BUILD_TIME = "SOURCE_DATE_EPOCH"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--production", action="store_true", help="what production has alone")
    parser.add_argument("--output", type=Path, metavar="FILE", help=f"else in {shown(SBOMS)}/")


def run(arguments: argparse.Namespace) -> int:
    """Write the file and say where it is.

    Raises:
        ToolError: There are no locks, or it cannot be written.
    """
    target = backends.chosen().target
    wanted = PRODUCTION_LAYERS if arguments.production else layers()
    files = Locks(target).require(wanted)
    entries = {path.stem: lockfile.parse(path.read_text(encoding="utf-8")) for path in files}
    given = described(entries, licenses.known(), _project())
    text = _written(given)
    part = "-production" if arguments.production else ""
    place: Path = arguments.output or SBOMS / f"{target.name}{part}.cdx.json"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, text)
    except OSError as error:
        raise ToolError(f"{shown(place)} cannot be written: {error.strerror}.") from error
    rows = given["components"]
    count = sum(1 for row in rows if row["license"])
    say(f"{shown(place)} has {len(rows)} components, the licenses of {count} are known.")
    if count < len(rows):
        say("Licenses are read from the environments that are installed here: see `make install`.")
    return 0


def described(
    locked: Mapping[str, Iterable[LockEntry]],
    known: Mapping[tuple[str, str], str],
    project: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return what the worker writes down.

    Args:
        locked: The entries of the locks by layer; of a package in several the first counts.
        known: Licenses by package and version.
        project: Name, version and license of the project itself.
    """
    rows: dict[str, dict[str, Any]] = {}
    direct: set[str] = set()
    needs: dict[str, set[str]] = {}
    for layer, entries in locked.items():
        for entry in entries:
            rows.setdefault(entry.name, _row(entry, layer, known))
            direct |= {entry.name} if entry.files else set()
            for parent in entry.parents:
                needs.setdefault(canonicalize_name(parent), set()).add(entry.name)
    components = [
        {**row, "needs": sorted(needs.get(name, set()))} for name, row in sorted(rows.items())
    ]
    content = {"project": dict(project), "components": components, "direct": sorted(direct)}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    seconds = os.environ.get(BUILD_TIME, "")
    return {
        **content,
        "serial": str(uuid5(NAMESPACE_OID, digest)),
        "seconds": int(seconds) if seconds.isdecimal() else None,
    }


def _row(entry: LockEntry, layer: str, known: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    version = entry.version or None
    return {
        "name": entry.name,
        "version": version,
        "address": entry.address or None,
        "layer": layer,
        "license": known.get((entry.name, version or "")),
        "sha256": sorted(each.removeprefix("sha256:") for each in entry.hashes),
    }


def _project() -> dict[str, str | None]:
    """Return name, version and license of the project.

    Raises:
        ToolError: Its settings cannot be read.
    """
    try:
        found = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
        license = found.get("license")
        return {
            "name": canonicalize_name(str(found["name"])),
            "version": str(found["version"]) if "version" in found else None,
            "license": license if isinstance(license, str) else None,
        }
    except (OSError, ValueError, LookupError, AttributeError) as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); mend it.") from error


def _written(given: Mapping[str, Any]) -> bytes:
    command = [python(AUDIT.ensure()), "-I", WORKER]
    announce(command)
    done = ended(command, ROOT, environment(), json.dumps(given).encode())
    if done.code:
        reason = done.errors.strip().rpartition("\n")[2].rstrip(".")
        raise ToolError(f"the SBOM could not be written: {reason}.")
    return done.output
