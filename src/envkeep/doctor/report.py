"""Findings for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from envkeep.doctor.context import Situation
from envkeep.doctor.finding import ERROR, OK, SKIPPED, WARNING, Finding
from envkeep.redact import masked, masker

MARKERS = {OK: "ok", WARNING: "warn", ERROR: "error"}
COLOURS = {OK: "32", WARNING: "33", ERROR: "31"}
MARKER_WIDTH = 5


def as_data(situation: Situation, findings: Sequence[Finding]) -> Any:
    """Return everything for programs; skipped checks are in it too, nothing private is."""
    target, development = situation.target, situation.development
    distributions = development.packages.distributions if development else ()
    report = {
        "machine": situation.machine.describe(),
        "target": target.name if target else None,
        "reason": situation.reason,
        "counts": _counts(findings),
        "findings": [finding.as_row() for finding in findings],
        "packages": {each.name: each.version for each in distributions},
    }
    return masked(report, masker(situation.variables, situation.folder))


def as_text(situation: Situation, findings: Sequence[Finding], *, colours: bool) -> str:
    """Return lines for people, without the checks that were skipped."""
    target = situation.target
    chosen = f"{target.name}: {situation.reason}" if target else "not known"
    lines = [f"Machine  {situation.machine.describe()}", f"Target   {chosen}"]
    shown = [finding for finding in findings if finding.status != SKIPPED]
    for group, members in groupby(shown, key=lambda finding: finding.group):
        lines += ["", group]
        for finding in members:
            lines += _lines(finding, colours=colours)
    return "\n".join([*lines, "", _summary(findings)])


def _lines(finding: Finding, *, colours: bool) -> list[str]:
    marker = MARKERS[finding.status].ljust(MARKER_WIDTH)
    if colours:
        marker = f"\033[{COLOURS[finding.status]}m{marker}\033[0m"
    lines = [f"  {marker}  {finding.message}"]
    if finding.command and finding.status != OK:
        lines.append(f"  {'':{MARKER_WIDTH}}  -> {finding.command}")
    return lines


def _summary(findings: Sequence[Finding]) -> str:
    counts = _counts(findings)
    parts = [_counted(counts[ERROR], "error"), _counted(counts[WARNING], "warning")]
    return f"{', '.join(parts)}, {counts[OK]} ok."


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(finding.status for finding in findings)
    return {status: counted[status] for status in (ERROR, WARNING, OK, SKIPPED)}


def _counted(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"
