"""Log every step of a bisection, so that an interrupted one can resume."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkeep.bisect.search import Verdict

STEPS = "log.jsonl"
FOUND = "found"


@dataclass(frozen=True)
class BisectLog:
    """The record of one bisection: a line of JSON for every environment, step, and end.

    Attributes:
        folder: Where it lies.
    """

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / STEPS

    def add(self, **row: object) -> None:
        """Write a line and flush it to disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        is_torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write("\n" * is_torn + json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def steps(self) -> list[Mapping[str, Any]]:
        """Return the steps that count: those since the last search that found no culprit."""
        found: list[Mapping[str, Any]] = []
        for row in self._rows():
            if "ended" in row:
                found = found if row["ended"] == FOUND else []
            elif "lock" in row:
                found.append(row)
        return found

    def verdict(self, lock: str) -> Verdict | None:
        """Return what the test said with a lock, by the lock's hash; None if it was not tried."""
        for row in self.steps():
            if row.get("lock") == lock:
                return Verdict(row["verdict"])
        return None

    def has_ended(self) -> bool:
        """Tell whether the bisection is complete, so that nothing will resume it."""
        return any("ended" in row for row in self._rows()) and "ended" in list(self._rows())[-1]

    def environments(self) -> set[str]:
        """Return the names of all environments that were made for it."""
        return {str(row["environment"]) for row in self._rows() if row.get("is_own")}

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield the complete lines; an interruption can cut the last one."""
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row
