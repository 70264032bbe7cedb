"""Look up known vulnerabilities with pip-audit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from envkeep import temporary
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks, pinned
from envkeep.paths import ACCEPTED_VULNERABILITIES, python, shown
from envkeep.process import announce, run, say
from envkeep.project.requirements import statements
from envkeep.project.target import Target
from envkeep.toolchain import locking_tools, web
from envkeep.toolchain.pinned_tools import AUDIT
from envkeep.toolchain.web import Request

OSV = "https://api.osv.dev/v1/query"
ADVISORY = re.compile(r"[A-Za-z][\w-]+")
SHOWN = 120  # characters of an advisory's text
NOBODY = (
    "nobody could be asked about vulnerabilities, so nothing is known: check the network, or ask "
    'elsewhere, `make audit ARGS="--service osv"`.'
)


def look_up(
    versions: Mapping[str, Set[str]], service: str, accepted: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a row for each version, as pip-audit gives it; with a reason where it was skipped.

    Args:
        versions: Versions by package.
        service: Who is asked: ``pypi``, ``osv``, or the address of a mirror of OSV.
        accepted: Advisories that do not count.

    Raises:
        ToolError: The service of vulnerabilities does not answer.
    """
    _require(service)
    found = [row for lines in _sets(versions) for row in _ask(lines, service, accepted)]
    if found and all("skip_reason" in row for row in found):
        raise ToolError(NOBODY)
    return found


def line(row: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return a vulnerability of a version as a line."""
    fixed = f"fixed in {', '.join(found['fix_versions'])}" if found["fix_versions"] else "open"
    about = " ".join(str(found.get("description", "")).split())[:SHOWN]
    names = ", ".join([found["id"], *found.get("aliases", [])])
    return f"{row['name']} {row['version']}: {names}, {fixed}. {about}"


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


def _require(service: str) -> None:
    """Refuse to ask a service that does not answer, before the tools that ask it are fetched.

    Raises:
        ToolError: The service does not answer, or refuses to.
    """
    try:
        (answer,) = web.fetch([_question(service)])
    except ToolError as error:
        say(str(error))
        raise ToolError(NOBODY) from error
    if not answer.is_good:
        say(f"{service} answers with {answer.status} {answer.reason}.")
        raise ToolError(NOBODY)


def _question(service: str) -> Request:
    """Return a question such as pip-audit asks."""
    if service == "pypi":
        pages = locking_tools.pypi(python(locking_tools.ensure()))
        return Request(f"{pages.removesuffix('/simple')}/pypi/pip/json")
    package = {"name": "pip", "ecosystem": "PyPI"}
    address = OSV if service == "osv" else service
    return Request(address, question={"package": package, "version": "26.0"})


def _ask(lines: Sequence[str], service: str, accepted: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each of some pinned packages.

    Raises:
        ToolError: The service of vulnerabilities does not answer.
    """
    options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json"]
    options += [part for each in accepted for part in ("--ignore-vuln", each)]
    if service == "pypi":
        options.append("--vulnerability-service=pypi")
    else:
        options.append("--vulnerability-service=osv")
        options.append(f"--osv-url={OSV if service == 'osv' else service}")
    with temporary.folder() as folder:
        file = folder / "locked.txt"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        command = [python(AUDIT.ensure()), "-m", "pip_audit", *options, "--requirement", file]
        announce(command)
        variables = web.certificates()
        done = run(command, cwd=folder, env=variables, mode="capture", check=False)
    try:
        rows: list[dict[str, Any]] = json.loads(done.output)["dependencies"]
    except (ValueError, LookupError, TypeError):
        say(done.errors.strip().rpartition("\n")[2])
        raise ToolError(NOBODY) from None
    return rows


def _sets(versions: Mapping[str, Set[str]]) -> list[list[str]]:
    """Divide versions into lists that have each package once, as pip-audit takes no more."""
    rows = {name: sorted(each) for name, each in sorted(versions.items())}
    count = max(map(len, rows.values()), default=0)
    return [
        [f"{name}=={each[number]}" for name, each in rows.items() if number < len(each)]
        for number in range(count)
    ]
