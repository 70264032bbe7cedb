"""What a bisection found, as a sentence, and the pins that undo it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from envkeep.bisect.endpoints import LayerLocks
from envkeep.bisect.groups import GroupPlan
from envkeep.bisect.mixing import FILES, ORDER, PackageChange
from envkeep.bisect.search import Found
from envkeep.paths import ORDER as ORDER_FILE
from envkeep.paths import OVERRIDES, shown
from envkeep.project.requirements import Line
from envkeep.staging.change_spec import set_requirement


@dataclass(frozen=True)
class BisectResult:
    """Which changes break the test.

    Attributes:
        found: The groups of changes, by number.
        plan: What the numbers stand for.
        changes: All changes, by name.
        good: The lock without any of them.
    """

    found: Found
    plan: GroupPlan
    changes: Mapping[str, PackageChange]
    good: LayerLocks

    def sentence(self) -> str:
        """Return what breaks the test and what to do about it."""
        groups = [self._group(numbers) for numbers in self.found.culprits]
        together = sum(map(len, self.found.culprits)) > 1 or sum(map(len, groups)) > 1
        several = len(groups) > 1
        who = _listed([self._named(numbers) for numbers in self.found.culprits])
        verb = "break it together" if several else "break it" if together else "breaks it"
        doubt = "" if self.found.is_enough else " (maybe with others: alone there is no verdict)"
        return f"{who} {verb}{doubt}; {self._advice()}"

    def reasons(self) -> list[str]:
        """Return why changes that were tried together cannot be separated."""
        names = self.plan.names(number for numbers in self.found.culprits for number in numbers)
        return self.plan.reasons_within(names)

    def pins(self) -> list[str]:
        """Return requirements that undo one of the culprits; all of them are needed to fail.

        That of the package on which the fewest others rest is taken, with those that need it.
        """
        for numbers in reversed(self.found.culprits):
            names = self.plan.dependents(self.plan.names(numbers))
            pins = [pin for name in names if (pin := self._pin(self.changes[name]))]
            if pins:
                return pins
        return []

    def apply(self) -> list[str]:
        """Write the pins into the team's overrides and return them."""
        pins = self.pins()
        for pin in pins:
            set_requirement(OVERRIDES, Line.of(pin).name, pin)
        return pins

    def _group(self, numbers: Iterable[int]) -> list[PackageChange]:
        return [self.changes[name] for name in self.plan.names(numbers)]

    def _named(self, numbers: Sequence[int]) -> str:
        group = [str(change) for change in self._group(numbers)]
        if len(numbers) > 1:
            return f"one or more of {_listed(group)} (no verdict tells them apart)"
        return _listed(group)

    def _advice(self) -> str:
        pins = self.pins()
        if pins:
            them = "it" if len(pins) == 1 else "them"
            what = f"pin {them} in" if len(self.found.culprits) == 1 else "pin one of them in"
            return f"{what} {shown(OVERRIDES)}: {' '.join(pins)}"
        return self._other_advice(self._group(self.found.culprits[-1])[0])

    def _other_advice(self, change: PackageChange) -> str:
        """Return how to undo a change that no pin undoes."""
        if change.name == ORDER:
            return f"the good order is {' '.join(self.good.layers)}, see {shown(ORDER_FILE)}"
        if change.name == FILES:
            return "take their lines from the good lock"
        if change.new is None:
            return f"ask for {change.name} again in the file of its layer"
        parents = {each for entry in change.new.entries.values() for each in entry.parents}
        return f"do without it{f', {_listed(sorted(parents))} asks for it' if parents else ''}"

    @staticmethod
    def _pin(change: PackageChange) -> str | None:
        """Return the requirement of the old version, None where no version would change."""
        old, new = change.old, change.new
        if old is None or new is None:
            return None
        if old.last.address:
            return old.requirement
        return old.requirement.partition("+")[0]  # which build it is, the target says


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
