# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""The record of a run in a process that is not the first: it knows the facts and writes nothing."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ...tracking.record import RunRecord
from . import from_first, keep_from_ending


class Onlooker(RunRecord):
    """The facts of a run that the first process records."""

    @classmethod
    def of_first(cls) -> Self:
        """Wait until the first process has made or reopened the record."""
        folder, facts = from_first()
        record = cls(Path(folder), facts)
        record._trackers = None
        return record

    def log(self, **values: Any) -> None:
        """Leave it to the first process."""

    def flush(self) -> None:
        """Leave it to the first process."""

    def update(self, **facts: Any) -> None:
        """Remember the facts."""
        self.facts.update(facts)

    def train_loss(self) -> float:
        """Return no number: the first process knows it."""
        return float("nan")

    def __enter__(self) -> Self:
        """Hear signals as the first process does."""
        self._sigterm.start(with_interrupt=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the first process say how the run ended."""
        if error is None:
            self._sigterm.stop()
        else:
            keep_from_ending()
