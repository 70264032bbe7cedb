"""Look up known vulnerabilities of everything that is locked."""

from __future__ import annotations

import argparse

from envkeep.audit import vulnerabilities
from envkeep.errors import ToolError
from envkeep.locks import indexes
from envkeep.paths import ACCEPTED_VULNERABILITIES, INDEXES, shown
from envkeep.project import target as backends
from envkeep.result import Result

HELP = "look up known vulnerabilities of everything that is locked; needs the network"


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
        ToolError: The project has no locks, or no service could be asked.
    """
    versions = vulnerabilities.locked_versions(backends.targets())
    if not versions:
        raise ToolError("there are no locks; run `make lock-all` first.")
    accepted = vulnerabilities.accepted_advisories()
    own = indexes.of_team(versions)
    public = {name: each for name, each in versions.items() if name not in own}
    found = vulnerabilities.look_up(public, arguments.service, accepted)
    unknown = [row["name"] for row in found if "skip_reason" in row]
    bad = [(row, each) for row in found for each in row.get("vulns", [])]
    lines = [vulnerabilities.line(row, each) for row, each in bad]
    if unknown:
        listed = ", ".join(sorted(set(unknown)))
        lines.insert(0, f"Not looked up, because the service does not know them: {listed}.")
    if own:
        lines.insert(0, f"Not looked up, as {shown(INDEXES)} ties them: {', '.join(own)}.")
    data = {
        "checked": len(found) - len(unknown),
        "unknown": sorted({*unknown, *own}),
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
