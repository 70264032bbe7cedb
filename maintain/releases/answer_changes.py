"""What became of the answers that earlier releases stored: read ``questions/changes.yml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from maintain import ROOT
from maintain.releases.record import ReleaseError

CHANGES = Path("questions/changes.yml")
OUTCOMES = ("renamed", "becomes", "removed", "refused")


class Meant(Enum):
    """Which answers a row means that names none."""

    EVERY = auto()


@dataclass(frozen=True)
class Change:
    """One row.

    Attributes:
        last: The last release that kept the answer as it was.
        question: The question's name in that release.
        answer: The answer that is meant, or every one.
        outcome: One of ``OUTCOMES``.
        value: The new name (``renamed``) or the new answer (``becomes``).
    """

    last: Version
    question: str
    answer: object
    outcome: str
    value: Any

    def means(self, version: str, answers: Mapping[str, Any]) -> bool:
        """Tell whether the row is about these answers of a release."""
        if Version(version) > self.last or self.question not in answers:
            return False
        return self.answer is Meant.EVERY or self.answer in _each(answers[self.question])

    def applied(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answers after the change."""
        after = {name: value for name, value in answers.items() if name != self.question}
        if self.outcome == "renamed":
            after[self.value] = answers[self.question]
        if self.outcome == "becomes":
            after[self.question] = self._replaced(answers[self.question])
        return after

    def _replaced(self, answer: Any) -> Any:
        if isinstance(answer, list) and self.answer is not Meant.EVERY:
            return [self.value if each == self.answer else each for each in answer]
        return self.value


@dataclass(frozen=True)
class Outlook:
    """What an update has to make of stored answers: these answers, or a refusal."""

    answers: Mapping[str, Any]
    refused: bool


def load_changes(root: Path = ROOT) -> list[Change]:
    """Return the changes, oldest first.

    Raises:
        ReleaseError: A row is damaged.
    """
    rows = yaml.safe_load((root / CHANGES).read_text(encoding="utf-8"))
    if not isinstance(rows, list):
        raise ReleaseError(f"{CHANGES} must be a list of rows.")
    return [_checked(number, row) for number, row in enumerate(rows, start=1)]


def outlook(changes: Sequence[Change], version: str, answers: Mapping[str, Any]) -> Outlook:
    """Return what becomes of the answers that a project of a release stores."""
    now, refused = dict(answers), False
    for change in changes:
        if change.means(version, now):
            refused |= change.outcome == "refused"
            now = now if change.outcome == "refused" else change.applied(now)
    return Outlook(now, refused)


def _checked(number: int, row: object) -> Change:
    where = f"{CHANGES} row {number}"
    if not isinstance(row, dict) or not {"last", "question", "why"} <= row.keys():
        raise ReleaseError(f"{where} must have last, question and why.")
    outcomes = [name for name in OUTCOMES if name in row]
    unknown = row.keys() - {"last", "question", "answer", "why", *OUTCOMES}
    if len(outcomes) != 1 or unknown:
        raise ReleaseError(f"{where} must have exactly one of {', '.join(OUTCOMES)}.")
    (outcome,) = outcomes
    try:
        last = Version(str(row["last"]))
    except InvalidVersion as error:
        raise ReleaseError(f"{where}: {error}.") from error
    return Change(last, str(row["question"]), row.get("answer", Meant.EVERY), outcome, row[outcome])


def _each(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [answer]
