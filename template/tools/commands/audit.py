# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Look up known vulnerabilities of everything that is locked."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import backends, toolchain
from ..backends import Target
from ..errors import ToolError
from ..locks import Locks, pinned
from ..paths import ACCEPTED_VULNERABILITIES, python, shown
from ..pinned import AUDIT
from ..requirements import statements
from ..run import announce, ended, environment, say

HELP = "look up known vulnerabilities of all locked packages; needs the network"
SHOWN = 120  # characters of an advisory's text
ADVISORY = re.compile(r"[A-Za-z][\w-]+")
NOBODY = (
    "nobody could be asked about vulnerabilities, so nothing is known: check the network, or ask "
    'elsewhere, `make audit ARGS="--service osv"`.'
)


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
    versions = locked_versions(backends.targets())
    if not versions:
        raise ToolError("there are no locks; run `make lock-all` first.")
    accepted = accepted_advisories()
    found = [row for lines in _sets(versions) for row in _ask(lines, arguments.service, accepted)]
    unknown = [row["name"] for row in found if "skip_reason" in row]
    if len(unknown) == len(found):
        raise ToolError(NOBODY)
    if unknown:
        say(f"Not looked up, as nobody there knows them: {', '.join(sorted(set(unknown)))}.")
    bad = [_line(row, each) for row in found for each in row.get("vulns", [])]
    for line in bad:
        say(line)
    if bad:
        raise ToolError(
            f"{len(bad)} known vulnerabilities are locked: take versions that mend them (`make "
            "update`, or requirements/overrides.txt), or write the advisory with the reason into "
            f"{shown(ACCEPTED_VULNERABILITIES)}."
        )
    say(f"No known vulnerability in {len(found) - len(unknown)} locked versions.")
    return 0


def _ask(lines: Sequence[str], service: str, accepted: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each of some pinned packages.

    Raises:
        ToolError: Nobody answered.
    """
    options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json"]
    options += [part for each in accepted for part in ("--ignore-vuln", each)]
    if service == "pypi":
        options.append("--vulnerability-service=pypi")
    else:
        options.append("--vulnerability-service=osv")
        options += [f"--osv-url={service}"] if service != "osv" else []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "locked.txt"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        command = [python(AUDIT.ensure()), "-m", "pip_audit", *options, "--requirement", file]
        announce(command)
        done = ended(command, Path(folder), {**environment(), **_certificates()})
    try:
        rows: list[dict[str, Any]] = json.loads(done.output)["dependencies"]
    except (ValueError, LookupError, TypeError):
        say(done.errors.strip().rpartition("\n")[2])
        raise ToolError(NOBODY) from None
    return rows


def _line(row: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    mended = f"mended in {', '.join(found['fix_versions'])}" if found["fix_versions"] else "open"
    about = " ".join(str(found.get("description", "")).split())[:SHOWN]
    names = ", ".join([found["id"], *found.get("aliases", [])])
    return f"{row['name']} {row['version']}: {names}, {mended}. {about}"


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


def _sets(versions: dict[str, set[str]]) -> list[list[str]]:
    """Divide versions into lists that have each package once, as pip-audit takes no more."""
    rows = {name: sorted(each) for name, each in sorted(versions.items())}
    count = max(map(len, rows.values()))
    return [
        [f"{name}=={each[number]}" for name, each in rows.items() if number < len(each)]
        for number in range(count)
    ]


def _certificates() -> dict[str, str]:
    """Return the certificates that pip is configured for, as pip-audit reads them."""
    configured = toolchain.pip_settings()
    return {"REQUESTS_CA_BUNDLE": configured["cert"]} if "cert" in configured else {}
