"""Compare versions by PEP 440, and anything else, such as an address, as text."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version


def version_of(text: str) -> Version | None:
    """Parse a version, or return None."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def is_same(one: str, other: str) -> bool:
    """Tell whether two texts mean one version: ``2026.01.02`` is ``2026.1.2``."""
    if one == other:
        return True
    first, second = version_of(one), version_of(other)
    return first is not None and first == second


def has_other_major(one: str, other: str) -> bool:
    """Tell whether the epoch or the first number of two versions differs; a text has neither."""
    first, second = version_of(one), version_of(other)
    if first is None or second is None:
        return one != other
    return (first.epoch, first.major) != (second.epoch, second.major)
