"""Report a difference for people, and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from envkeep.diff.changes import (
    ADDED,
    FILES,
    LICENSE,
    MAJOR,
    MINOR,
    MOVED,
    PATCH,
    REMOVED,
    LockChange,
    VersionFacts,
)
from envkeep.diff.sides import ComparedPackage, Side
from envkeep.files import in_words

TITLES = {
    MAJOR: "Major versions",
    MINOR: "Minor versions",
    PATCH: "Patches",
    ADDED: "Added",
    REMOVED: "Removed",
    MOVED: "In another layer",
    LICENSE: "Other licenses",
    FILES: "Other files of the same version",
}
NOT_KNOWN = "not known"
Row = tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What changed between two sides.

    Attributes:
        before: The one side.
        after: The other.
        changes: What changed.
        brought: Known vulnerabilities that only the other side has, each as a line; None if nobody
            could be asked.
        fixed: Those that only the one side has.
        notes: What could not be found out, as sentences.
    """

    before: Side
    after: Side
    changes: Sequence[LockChange]
    brought: Sequence[str] | None = None
    fixed: Sequence[str] | None = None
    notes: Sequence[str] = ()


def as_lines(report: Report) -> Iterator[str]:
    """Yield the report for people, most severe first."""
    yield f"From {report.before.title} to {report.after.title}: {_counted(report.changes)}."
    yield from _section("Known vulnerabilities that it brings", report.brought)
    yield from _section("Known vulnerabilities that it fixes", report.fixed)
    yielded = [
        f"{each.key} {each.after.version}: {each.now.yanked or 'no reason was given'}"
        for each in report.changes
        if each.after and each.now.yanked is not None
    ]
    yield from _section("Yanked by those who made them", yielded)
    for kind, title in TITLES.items():
        members = [each for each in report.changes if kind in each.kinds]
        yield from _section(title, _aligned([_row(kind, each) for each in members]))
    if report.changes:
        yield from ("", _sizes(report))
    if report.notes:
        yield ""
        yield from (f"note: {note}" for note in report.notes)


def as_data(report: Report) -> dict[str, Any]:
    """Return the report for programs; what is not known is None."""
    asked = report.brought is not None and report.fixed is not None
    return {
        "from": report.before.title,
        "to": report.after.title,
        "changes": [
            {
                "package": each.key,
                "kinds": ["licence" if kind == LICENSE else kind for kind in each.kinds],
                "older": each.older,
                "from": _data(each.before, each.was),
                "to": _data(each.after, each.now),
            }
            for each in report.changes
        ],
        "vulnerabilities": {
            "brought": list(report.brought or ()),
            "fixed": list(report.fixed or ()),
            "mended": list(report.fixed or ()),  # the name of before, which programs read
        }
        if asked
        else None,
        "notes": list(report.notes),
    }


def _data(package: ComparedPackage | None, facts: VersionFacts) -> dict[str, Any] | None:
    if package is None:
        return None
    named_before = {"licence": facts.license}
    layer = package.layer or None
    return {"version": package.version, "layer": layer, **asdict(facts), **named_before}


def _section(title: str, found: Sequence[str] | None) -> Iterator[str]:
    if found:
        yield from ("", title)
        yield from (f"  {line}" for line in found)


def _row(kind: str, change: LockChange) -> Row:
    """Return the cells of a change's line in the section of a kind."""
    old, new = change.before, change.after
    if old and new:
        if kind == MOVED:
            return (change.key, f"{old.layer} -> {new.layer}")
        if kind == LICENSE:
            return (change.key, f"{change.was.license} -> {change.now.license}")
        if kind == FILES:
            return (change.key, new.version, "no file that is locked now was locked before")
        went = " (older)" if change.older else ""
        sizes = [_size(change.was), _size(change.now)]
        size = "" if sizes == [NOT_KNOWN, NOT_KNOWN] else " -> ".join(sizes)
        return (change.key, f"{old.version} -> {new.version}{went}", new.layer, size)
    package, facts = (old, change.was) if old else (new, change.now)
    assert package is not None
    license = facts.license or "license not known"
    size = f"size {NOT_KNOWN}" if facts.size is None else in_words(facts.size)
    return (change.key, package.version, package.layer, size, license)


def _size(facts: VersionFacts) -> str:
    return NOT_KNOWN if facts.size is None else in_words(facts.size)


def _sizes(report: Report) -> str:
    """Return the line on the sizes of all that changed."""
    there = [each.was for each in report.changes if each.before]
    then = [each.now for each in report.changes if each.after]
    both = report.before.installed and report.after.installed
    what = "Installed files" if both else "Wheels"
    if all(each.size is None for each in (*there, *then)):
        return f"{what} of what changed: sizes are not known."
    return f"{what} of what changed: {_total(there)} before, {_total(then)} after."


def _total(found: Sequence[VersionFacts]) -> str:
    known = [each.size for each in found if each.size is not None]
    if found and not known:
        return NOT_KNOWN
    return f"{'at least ' if len(known) < len(found) else ''}{in_words(sum(known))}"


def _counted(changes: Sequence[LockChange]) -> str:
    if not changes:
        return "nothing changed"
    counts = {kind: sum(kind in each.kinds for each in changes) for kind in TITLES}
    names = {MAJOR: "major", MINOR: "minor", PATCH: "patches", LICENSE: "other licenses"}
    names |= {MOVED: "in another layer", FILES: "with other files"}
    return ", ".join(f"{count} {names.get(kind, kind)}" for kind, count in counts.items() if count)


def _aligned(rows: Sequence[Row]) -> list[str]:
    """Return rows as aligned lines, without empty columns."""
    if not rows:
        return []
    columns = [
        column for column in range(max(map(len, rows))) if any(_cell(row, column) for row in rows)
    ]
    widths = {column: max(len(_cell(row, column)) for row in rows) for column in columns}
    found = []
    for row in rows:
        cells = (_cell(row, column).ljust(widths[column]) for column in columns)
        found.append("  ".join(cells).rstrip())
    return found


def _cell(row: Row, column: int) -> str:
    return row[column] if column < len(row) else ""
