"""Explain why a pin is older than the package's newest release, by asking the resolver."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import Version

from maintain.stack.pins import Pin, diff_pins, parse_pins
from maintain.stack.resolver import MOST_REASONS, Resolver, Unresolvable


@dataclass(frozen=True)
class Resolution:
    """One resolution: what was asked for and the pins that came out.

    Attributes:
        requirements: The requirements, one each.
        constraints: Text of the constraints file beside them.
        pins: The result, by name.
    """

    requirements: Sequence[str]
    constraints: str
    pins: Mapping[NormalizedName, Sequence[Pin]]

    def behind(self, newest: Mapping[NormalizedName, Version]) -> list[NormalizedName]:
        """List the packages with a pin that is older than their newest release."""
        return [name for name, group in self.pins.items() if group[0].version < newest[name]]


def explain(
    resolver: Resolver, resolution: Resolution, name: NormalizedName, newest: Version
) -> str:
    """Ask for a package's newest release beside all requirements and say what stands against it.

    Args:
        resolver: The resolver that made the resolution.
        resolution: The resolution without the newest release.
        name: The package that is behind.
        newest: Its newest release.

    Raises:
        StackError: uv failed for another reason than that nothing fits.
    """
    pins = resolution.pins[name]
    if f"{name}=={pins[0].version}" in resolution.requirements:
        return "stack/release.yml asks for this version"
    wanted = [*resolution.requirements, f"{name}>={newest}"]
    try:
        other = resolver.resolve(wanted, constraints=resolution.constraints)
    except Unresolvable as refusal:
        return "; ".join([*_about(name, refusal.reasons), *_who_stays(pins, newest)])
    return _price(resolution, parse_pins(other), name)


def _about(name: str, reasons: Sequence[str]) -> list[str]:
    """Choose the demands on the package and its own; the others only lead to them."""
    own = [each for each in reasons if re.search(rf"(^| ){re.escape(name)}([ <>=!~]|$)", each)]
    # uv passes a demand up to whoever needs the demanding package: keep its first form.
    demands: dict[str, str] = {}
    for reason in own or reasons:
        demands.setdefault(reason.rpartition(" needs ")[2], reason)
    return list(demands.values())[:MOST_REASONS]


def _who_stays(pins: Sequence[Pin], newest: Version) -> list[str]:
    if len(pins) == 1:
        return []
    return [
        f"{pin.version} stays where {pin.marker}"
        for pin in pins
        if pin.version < newest and pin.marker
    ]


def _price(resolution: Resolution, other: Sequence[Pin], name: NormalizedName) -> str:
    before = [pin for group in resolution.pins.values() for pin in group]
    diff = diff_pins(before, other)
    moves = [f"{move.name} to {move.new}" for move in diff.moved if move.name != name]
    changes = [*moves, *(f"{pin} added" for pin in diff.added)]
    return f"it would fit, but moves {', '.join(changes)}" if changes else "it would fit"
