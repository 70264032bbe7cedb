"""Find out what a difference means: licenses, sizes, withdrawn releases, known vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from envkeep.audit import licenses, vulnerabilities
from envkeep.audit.vulnerabilities import accepted_advisories
from envkeep.diff import changes
from envkeep.diff.changes import LockChange, VersionFacts
from envkeep.diff.report import Report
from envkeep.diff.sides import ComparedPackage, Side
from envkeep.diff.version_facts import ask_index
from envkeep.errors import ToolError

Advisories = dict[tuple[str, str], dict[str, tuple[set[str], str]]]


def examine(before: Side, after: Side, found: Sequence[LockChange], service: str | None) -> Report:
    """Return the report, with all that can be found out.

    Args:
        before: The one side.
        after: The other.
        found: What changed.
        service: Who is asked about vulnerabilities, None if nobody shall be asked.
    """
    installed = licenses.known_licenses()
    known = {key: VersionFacts(license=license) for key, license in installed.items()}
    changed = [each for each in found if _is_other(each)]
    notes, advisories = [], None
    if service is None and changed:
        notes.append("nobody was asked about sizes, yanked releases and known vulnerabilities.")
    elif service is not None and changed:
        known, advisories, notes = _asked(changed, known, service)
    report = Report(before, after, [changes.with_facts(each, known) for each in found])
    if advisories is None:
        return replace(report, notes=notes)
    brought, fixed = moved(changed, advisories)
    return replace(report, brought=brought, fixed=fixed, notes=notes)


def _asked(
    changed: Iterable[LockChange], known: Mapping[tuple[str, str], VersionFacts], service: str
) -> tuple[dict[tuple[str, str], VersionFacts], Advisories | None, list[str]]:
    """Return what indexes and advisories say of some changes, and who could not be asked."""
    packages = [each for change in changed for each in (change.before, change.after) if each]
    notes: list[str] = []
    facts, advisories = dict(known), None
    try:
        for key, found in ask_index(packages).items():
            license = found.license or known.get(key, VersionFacts()).license
            facts[key] = replace(found, license=license)
    except ToolError as error:
        notes.append(str(error))
    try:
        advisories = _advisories(packages, service)
    except ToolError as error:
        notes.append(str(error))
    return facts, advisories, notes


def _advisories(packages: Iterable[ComparedPackage], service: str) -> Advisories:
    """Return what is known of versions: the names of each advisory, and a line about it.

    Raises:
        ToolError: The service of vulnerabilities does not answer.
    """
    versions: dict[str, set[str]] = {}
    for each in packages:
        if "://" not in each.version:
            versions.setdefault(each.name, set()).add(_plain(each.version))
    rows = vulnerabilities.look_up(versions, service, accepted_advisories())
    return {(row["name"], row["version"]): _by_id(row) for row in rows if "version" in row}


def _by_id(row: Mapping[str, Any]) -> dict[str, tuple[set[str], str]]:
    return {
        each["id"]: ({each["id"], *each.get("aliases", [])}, vulnerabilities.line(row, each))
        for each in row.get("vulns", [])
    }


def moved(changed: Iterable[LockChange], known: Advisories) -> tuple[list[str], list[str]]:
    """Return the vulnerabilities that some changes bring, and those that they fix."""
    brought: list[str] = []
    fixed: list[str] = []
    for change in changed:
        was, now = (
            known.get((each.name, _plain(each.version)), {}) if each else {}
            for each in (change.before, change.after)
        )
        for these, others, lines_ in ((now, was, brought), (was, now, fixed)):
            names = set().union(*(each for each, _ in others.values()))
            lines_ += [line for each, line in these.values() if not each & names]
    return brought, fixed


def _is_other(change: LockChange) -> bool:
    return bool({*change.kinds} - {changes.MOVED, changes.LICENSE})


def _plain(version: str) -> str:
    """Return a version without the label of a build, which advisories do not know."""
    return version.partition("+")[0]
