"""Look up known vulnerabilities of everything that is locked."""

from __future__ import annotations

import argparse

from envkeep.audit import vulnerabilities
from envkeep.errors import ToolError
from envkeep.paths import ACCEPTED_VULNERABILITIES, shown
from envkeep.process import say
from envkeep.project import target as backends

HELP = "look up known vulnerabilities of all locked packages; needs the network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--service",
        default="pypi",
        help="who is asked: pypi (the default), osv, or the address of a mirror of OSV",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what is known about the locked versions.

    Raises:
        ToolError: There is something, or nobody could be asked.
    """
    versions = vulnerabilities.locked_versions(backends.targets())
    if not versions:
        raise ToolError("there are no locks; run `make lock-all` first.")
    accepted = vulnerabilities.accepted_advisories()
    found = vulnerabilities.look_up(versions, arguments.service, accepted)
    unknown = [row["name"] for row in found if "skip_reason" in row]
    if unknown:
        say(f"Not looked up, as nobody there knows them: {', '.join(sorted(set(unknown)))}.")
    bad = [vulnerabilities.line(row, each) for row in found for each in row.get("vulns", [])]
    for line in bad:
        say(line)
    if bad:
        raise ToolError(
            f"{len(bad)} known vulnerabilities are locked: take versions that fix them (`make "
            "update`, or requirements/overrides.txt), or write the advisory with the reason into "
            f"{shown(ACCEPTED_VULNERABILITIES)}."
        )
    say(f"No known vulnerability in {len(found) - len(unknown)} locked versions.")
    return 0
