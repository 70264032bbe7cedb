"""Pins as data: read them from a locked file, compare two sets, write a file's header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from maintain.stack.data import StackError
from maintain.stack.rows import Release

# What the systems and processors in the names of platforms are in environment markers (PEP 508).
_SYSTEMS: Mapping[str, Mapping[str, str]] = {
    "linux": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
    "macos": {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"},
    "windows": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"},
}
_MACHINES: Mapping[tuple[str, str], str] = {
    ("linux", "arm64"): "aarch64",
    ("windows", "x86_64"): "AMD64",
}


@dataclass(frozen=True)
class Pin:
    """One line of a locked file: `name==version ; marker`."""

    name: NormalizedName
    version: Version
    marker: str
    hashes: tuple[str, ...] = ()

    def applies_to(self, environment: Mapping[str, str]) -> bool:
        """Tell whether the pin holds in an environment made by `marker_environment`."""
        return not self.marker or Marker(self.marker).evaluate(dict(environment))


@dataclass(frozen=True)
class Move:
    """A package whose pins differ between two sets; versions are joined with commas."""

    name: str
    old: str
    new: str
    major: bool


@dataclass(frozen=True)
class PinDiff:
    """What changed from one set of pins to another; `moved` has major moves first."""

    moved: tuple[Move, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether any pin changed."""
        return bool(self.moved or self.added or self.removed)


def marker_environment(python: str, platform: str) -> dict[str, str]:
    """Make the marker environment of CPython on a platform.

    Args:
        python: A CPython minor such as "3.12"; its first patch release is assumed.
        platform: A name in platforms.yml, such as "linux-arm64".
    """
    system, _, processor = platform.partition("-")
    return {
        **_SYSTEMS[system],
        "platform_machine": _MACHINES.get((system, processor), processor),
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "platform_python_implementation": "CPython",
    }


def parse_pins(text: str) -> list[Pin]:
    """Read the pins of a requirements file that a resolver wrote.

    Raises:
        StackError: A line is not of the form `name==version`, with marker and hashes if any.
    """
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = (line.partition("#")[0].strip() for line in joined.splitlines())
    return [_parse_line(line) for line in lines if line]


def _parse_line(line: str) -> Pin:
    statement, *hashes = (part.strip() for part in line.split("--hash="))
    try:
        requirement = Requirement(statement)
    except InvalidRequirement:
        raise StackError(f"The line {line!r} is not a pinned requirement.") from None
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator != "==" or "*" in specifiers[0].version:
        raise StackError(f"The line {line!r} does not pin one exact version with ==.")
    return Pin(
        canonicalize_name(requirement.name),
        Version(specifiers[0].version),
        str(requirement.marker or ""),
        tuple(hashes),
    )


def pins_for(pins: Iterable[Pin], environment: Mapping[str, str]) -> dict[NormalizedName, Version]:
    """Choose the pins that hold in one environment.

    Raises:
        StackError: Two pins of one package hold at once.
    """
    chosen: dict[NormalizedName, Version] = {}
    for pin in pins:
        if not pin.applies_to(environment):
            continue
        if pin.name in chosen:
            where = f"Python {environment['python_version']} on {environment['sys_platform']}"
            raise StackError(f"{pin.name} is pinned twice for {where}.")
        chosen[pin.name] = pin.version
    return chosen


def by_name(pins: Iterable[Pin]) -> dict[NormalizedName, list[Pin]]:
    """Group pins by package; each group is sorted by version."""
    groups: dict[NormalizedName, list[Pin]] = {}
    for pin in sorted(pins, key=lambda pin: (pin.name, pin.version)):
        groups.setdefault(pin.name, []).append(pin)
    return groups


def versions_text(pins: Sequence[Pin]) -> str:
    """Write the versions of one package's pins, such as "2.4.6, 2.5.5"."""
    return ", ".join(str(pin.version) for pin in pins)


def diff_pins(old: Iterable[Pin], new: Iterable[Pin]) -> PinDiff:
    """Compare two sets of pins; hashes are not looked at."""
    before, after = by_name(old), by_name(new)
    moves = [
        _move(before[name], after[name])
        for name in sorted(before.keys() & after.keys())
        if _identity(before[name]) != _identity(after[name])
    ]
    return PinDiff(
        moved=tuple(sorted(moves, key=lambda move: (not move.major, move.name))),
        added=tuple(f"{n} {versions_text(after[n])}" for n in sorted(after.keys() - before.keys())),
        removed=tuple(
            f"{n} {versions_text(before[n])}" for n in sorted(before.keys() - after.keys())
        ),
    )


def _identity(pins: Sequence[Pin]) -> list[tuple[Version, str]]:
    return [(pin.version, pin.marker) for pin in pins]


def _move(before: Sequence[Pin], after: Sequence[Pin]) -> Move:
    old, new = versions_text(before), versions_text(after)
    if old == new:
        new = f"{new} (its environments changed)"
    return Move(before[0].name, old, new, major=before[-1].version.major != after[-1].version.major)


def render_header(release: Release, contents: str) -> str:
    """Write the comment lines on top of a generated file.

    Args:
        release: The stack release that the file belongs to.
        contents: What the file holds, a sentence without its final stop.
    """
    return (
        f"# Stack release {release.name}: {contents}.\n"
        "# Made by the template's scripts/refresh_stack.py; do not edit.\n"
        f"# torch {release.torch}; packages uploaded after {release.cutoff} were not considered.\n"
    )


def set_release_values(text: str, values: Mapping[str, str]) -> str:
    """Replace values of release.yml in its text, so that comments stay.

    Args:
        text: The file's text.
        values: New values by key; each must stand in quotes on a line of its own.

    Raises:
        StackError: A key is not there exactly once.
    """
    for key, value in values.items():
        pattern = re.compile(rf'^([ -]*{re.escape(key)}: )"[^"\n]*"', re.MULTILINE)
        text, count = pattern.subn(rf'\g<1>"{value}"', text)
        if count != 1:
            raise StackError(f'stack/release.yml: needs exactly one line `{key}: "..."`.')
    return text
