"""Compare a staged environment with the active one: tests, metrics, import time, size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from envkeep.environments import import_check
from envkeep.environments.store import Environment
from envkeep.errors import CommandError, ToolError
from envkeep.files import in_words, size_of
from envkeep.locks.lock_set import pinned
from envkeep.staging.project_tests import UNTOUCHED
from envkeep.training.baseline import Baseline, Metric


@dataclass(frozen=True)
class Measured:
    """The measurements of an environment.

    Attributes:
        folder: Where it lies.
        packages: How many its locks name.
        size: Of its files, in bytes.
        import_seconds: The processor time that its own requirements take to import.
        tests: Whether the project's tests pass in it, None if they were not run.
        metrics: What a training run reached in it.
    """

    folder: Path
    packages: int
    size: int
    import_seconds: float
    tests: bool | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the data for programs, with the folder by its name."""
        return {**asdict(self), "folder": self.folder.name, "metrics": dict(self.metrics)}


@dataclass(frozen=True)
class Comparison:
    """A staged environment beside the active one.

    Attributes:
        active: The active environment; its tests are known if those of the other failed.
        staged: The staged one.
        baseline: What a training run must reach, if one was made.
        withdrawn: What came in although its makers withdrew it, each as a sentence.
    """

    active: Measured
    staged: Measured
    baseline: Baseline | None = None
    withdrawn: Sequence[str] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing got worse."""
        return not self._worse

    @property
    def sentence(self) -> str:
        """Why it is good or not."""
        checked = ["the tests pass"] if self.staged.tests else []
        checked += ["the metrics are as expected"] if self.staged.metrics else []
        return self._worse or " and ".join(checked) or "it installs and imports"

    @property
    def _worse(self) -> str:
        """What got worse, or nothing."""
        if self.staged.tests is False and self.active.tests is False:
            return "the tests fail in the active environment too, so this says nothing"
        if self.staged.tests is False:
            return "the tests fail with it"
        reached = self.staged.metrics
        far = [
            name for name, metric in self._metrics.items() if not metric.admits(reached.get(name))
        ]
        if far:
            return f"{', '.join(far)} differ from what is expected"
        return " and ".join(self.withdrawn)

    @property
    def _metrics(self) -> Mapping[str, Metric]:
        """What is expected of the metrics, if the staged environment has trained."""
        return self.baseline.metrics if self.baseline and self.staged.metrics else {}

    def table(self) -> list[str]:
        """Return the lines of a table of both environments."""
        now, new = self.active, self.staged
        rows = [("", "now", "staged", "")]
        rows.append(("packages", str(now.packages), str(new.packages), ""))
        rows.append(("tests", _in_words(now.tests), _in_words(new.tests), ""))
        for name, metric in self._metrics.items():
            value = new.metrics.get(name)
            found = "is not there" if value is None else f"{value:.6g}"
            wanted = f"expected {metric.expected:.6g} +- {metric.tolerance:.6g}"
            rows.append((name, "", found, wanted))
        rows.append(("import", f"{now.import_seconds:.2f} s", f"{new.import_seconds:.2f} s", ""))
        rows.append(("size", in_words(now.size), in_words(new.size), ""))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()
            for row in rows
        ]


def measure(environment: Environment, locks: Sequence[Path], names: Sequence[str]) -> Measured:
    """Measure an environment without changing it.

    Args:
        environment: The environment.
        locks: What it was filled from.
        names: What is imported, if it was not measured when it was made how long that takes.

    Raises:
        ToolError: A package of the environment cannot be imported.
    """
    packages = {name for path in locks for name in pinned(path)}
    seconds = environment.import_seconds
    if seconds is None:
        seconds = _seconds_to_import(environment.folder, names)
    return Measured(environment.folder, len(packages), size_of(environment.folder), seconds)


def _seconds_to_import(folder: Path, names: Sequence[str]) -> float:
    try:
        return import_check.seconds(folder, names, UNTOUCHED)
    except CommandError as error:
        raise ToolError(f"{folder.name} does not work any more: {error}") from error


def _in_words(passed: bool | None) -> str:
    return {True: "pass", False: "fail", None: "not run"}[passed]
