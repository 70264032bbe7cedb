"""Look up known vulnerabilities of everything that is locked."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

from envkeep.audit import vulnerabilities
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, pinned
from envkeep.paths import ACCEPTED_VULNERABILITIES, shown
from envkeep.project import target as backends
from envkeep.project.requirements import statements
from envkeep.project.target import Target
from envkeep.result import Result

HELP = "look up known vulnerabilities of everything that is locked; needs the network"
ADVISORY = re.compile(r"[A-Za-z][\w-]+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--service",
        default="pypi",
        help="who is asked: pypi (the default), osv, or the address of a mirror of OSV",
    )


def run(arguments: argparse.Namespace) -> Result:
    """Return what is known about the locked versions; it fails if a vulnerability is.

    Raises:
        ToolError: There are no locks, or nobody could be asked.
    """
    versions = locked_versions(backends.targets())
    if not versions:
        raise ToolError("there are no locks; run `make lock-all` first.")
    accepted = accepted_advisories()
    found = vulnerabilities.look_up(versions, arguments.service, accepted)
    unknown = [row["name"] for row in found if "skip_reason" in row]
    bad = [(row, each) for row in found for each in row.get("vulns", [])]
    lines = [vulnerabilities.line(row, each) for row, each in bad]
    if unknown:
        listed = ", ".join(sorted(set(unknown)))
        lines.insert(0, f"Not looked up, as nobody there knows them: {listed}.")
    data = {
        "checked": len(found) - len(unknown),
        "unknown": sorted(set(unknown)),
        "accepted": accepted,
        "vulnerabilities": [
            {"package": row["name"], "version": row["version"], **each} for row, each in bad
        ],
    }
    if not bad:
        lines.append(f"No known vulnerability in {data['checked']} locked versions.")
        return Result(data, lines)
    return Result.failed(
        f"{len(bad)} known vulnerabilities are locked: take versions that fix them (`make update`, "
        "or requirements/overrides.txt), or write the advisory with the reason into "
        f"{shown(ACCEPTED_VULNERABILITIES)}.",
        data,
        lines,
    )


def locked_versions(targets: Iterable[Target]) -> dict[str, set[str]]:
    """Return every version that some lock has, by package; a build's label is no part of it."""
    found: dict[str, set[str]] = {}
    for target in targets:
        for path in map(Locks(target).file, Locks(target).names):
            for name, version in (pinned(path) if path.exists() else {}).items():
                found.setdefault(name, set()).add(version.partition("+")[0])
    return found


def accepted_advisories() -> list[str]:
    """Return the advisories that the team accepts.

    Raises:
        ToolError: A line is not the id of one.
    """
    if not ACCEPTED_VULNERABILITIES.exists():
        return []
    found = statements(ACCEPTED_VULNERABILITIES)
    for line in found:
        if not ADVISORY.fullmatch(line):
            raise ToolError(
                f"{shown(ACCEPTED_VULNERABILITIES)} has the line {line!r}; write the id of an "
                "advisory, such as CVE-2026-0001, and the reason after a number sign."
            )
    return found
