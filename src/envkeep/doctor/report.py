"""The doctor's report, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import ERROR, OK, SKIPPED, WARNING, Finding
from envkeep.doctor.fixes import Applied
from envkeep.redact import redacted, redactor

MARKERS = {OK: "ok", WARNING: "warn", ERROR: "error"}
COLORS = {OK: "32", WARNING: "33", ERROR: "31"}
MARKER_WIDTH = 5
INDENTED = f"  {'':{MARKER_WIDTH}}  "


def as_data(
    context: DoctorContext, findings: Sequence[Finding], applied: Sequence[Applied] | None = None
) -> Any:
    """Return everything for programs, skipped checks included, redacted.

    Args:
        context: What was examined.
        findings: What the checks found in it, after the fixes if there were any.
        applied: The fixes that were run; None if nobody asked for them.
    """
    target, development = context.target, context.development
    distributions = development.packages.distributions if development else ()
    report: dict[str, object] = {
        "machine": context.machine.describe(),
        "target": target.name if target else None,
        "reason": context.reason,
        "counts": _counts(findings),
        "findings": [finding.as_row() for finding in findings],
        "packages": {each.name: each.version for each in distributions},
    }
    if applied is not None:
        report["fixes"] = [_row(each) for each in applied]
    return redacted(report, redactor(context.variables, context.folder))


def as_text(context: DoctorContext, findings: Sequence[Finding], *, colors: bool) -> str:
    """Return lines for people, without the checks that were skipped."""
    target = context.target
    chosen = f"{target.name}: {context.reason}" if target else "not known"
    lines = [f"Machine  {context.machine.describe()}", f"Target   {chosen}"]
    shown = [finding for finding in findings if finding.status != SKIPPED]
    for group, members in groupby(shown, key=lambda finding: finding.group):
        lines += ["", group]
        for finding in members:
            lines += _lines(finding, colors=colors)
    return "\n".join([*lines, "", _summary(findings)])


def as_text_of_fixes(
    applied: Sequence[Applied], findings: Sequence[Finding], *, colors: bool
) -> str:
    """Return what was fixed and what is left, for people.

    Args:
        applied: The fixes that were run.
        findings: What the checks found after them.
        colors: Whether the terminal shows colors.
    """
    lines = ["", "Done"]
    for each in applied:
        marker = _marker(ERROR if each.error else OK, colors=colors)
        lines.append(f"  {marker}  {each.fix.effect}: {each.fix.command}")
        lines += [f"{INDENTED}failed: {each.error}"] if each.error else []
    lines += [] if applied else [f"{INDENTED}Nothing: no finding is safe to fix without you."]
    left = [finding for finding in findings if finding.status in (WARNING, ERROR)]
    lines += ["", "Left for you"] if left else []
    for finding in left:
        lines += _lines(finding, colors=colors)
    return "\n".join([*lines, "", _counted_up(findings)])


def _row(applied: Applied) -> dict[str, str | None]:
    return {
        "command": applied.fix.command,
        "effect": applied.fix.effect,
        "error": applied.error or None,
    }


def _lines(finding: Finding, *, colors: bool) -> Iterator[str]:
    yield f"  {_marker(finding.status, colors=colors)}  {finding.message}"
    if finding.command and finding.status != OK:
        yield f"{INDENTED}fix: {finding.command}"


def _marker(status: str, *, colors: bool) -> str:
    marker = MARKERS[status].ljust(MARKER_WIDTH)
    return f"\033[{COLORS[status]}m{marker}\033[0m" if colors else marker


def _summary(findings: Sequence[Finding]) -> str:
    fixable = sum(bool(finding.fixes) for finding in findings)
    hint = f"`make doctor ARGS=--fix` takes care of {fixable} of them." if fixable else ""
    return f"{_counted_up(findings)} {hint}".rstrip()


def _counted_up(findings: Sequence[Finding]) -> str:
    counts = _counts(findings)
    parts = [_counted(counts[ERROR], "error"), _counted(counts[WARNING], "warning")]
    return f"{', '.join(parts)}, {counts[OK]} ok."


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counted = Counter(finding.status for finding in findings)
    return {status: counted[status] for status in (ERROR, WARNING, OK, SKIPPED)}


def _counted(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"
