"""Is another environment as good as the active one? Tests, metrics, time to import, size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from envkeep.environments import import_check
from envkeep.environments.smoke_tests import NO_TESTS_COLLECTED
from envkeep.environments.store import Environment
from envkeep.errors import CommandError, ToolError
from envkeep.files import in_words, size_of
from envkeep.locks.lock_set import pinned
from envkeep.paths import python
from envkeep.process import run, say
from envkeep.training import baseline
from envkeep.training.baseline import Expected

UNTOUCHED = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Variables with which an environment that is only looked at stays as it is."""
MOST_NAMED = 10  # tests that failed


@dataclass(frozen=True)
class Measured:
    """What is known of an environment.

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
        """Return it for programs, the folder by its name."""
        return {**asdict(self), "folder": self.folder.name, "metrics": dict(self.metrics)}


@dataclass(frozen=True)
class Verdict:
    """The comparison.

    Attributes:
        good: Whether nothing got worse.
        sentence: Why.
    """

    good: bool
    sentence: str


def measure(environment: Environment, locks: Sequence[Path], names: Sequence[str]) -> Measured:
    """Look at an environment without changing it.

    Args:
        environment: The environment.
        locks: What it was filled from.
        names: What is imported, if it was not measured when it was made how long that takes.

    Raises:
        ToolError: It cannot be imported.
    """
    packages = {name for path in locks for name in pinned(path)}
    seconds = environment.import_seconds
    if seconds is None:
        seconds = _seconds_to_import(environment.folder, names)
    return Measured(environment.folder, len(packages), size_of(environment.folder), seconds)


def passes_tests(folder: Path, copy: Path, steps: Sequence[Sequence[str]]) -> bool:
    """Run the project's tests by an environment's interpreter, in a copy of the project.

    Args:
        folder: The environment.
        copy: The copy; its package comes before the project's.
        steps: The arguments of the interpreter, one list after the other.
    """
    variables = {**UNTOUCHED, "PYTHONPATH": str(copy / "src")}
    for step in steps:
        done = run([python(folder), *step], cwd=copy, env=variables, check=False)
        for line in summary_of_tests(done.text):
            say(f"  {line}")
        if done.code not in (0, NO_TESTS_COLLECTED):
            return False
    return True


def summary_of_tests(output: str) -> list[str]:
    """Return the lines of what pytest printed that name tests which failed, and its last line."""
    lines = output.strip().splitlines()
    failed = [line for line in lines[:-1] if line.startswith(("FAILED ", "ERROR "))]
    more = len(failed) - MOST_NAMED
    return [
        *failed[:MOST_NAMED],
        *([f"and {more} more"] if more > 0 else []),
        *(line.strip("= ") for line in lines[-1:]),
    ]


def judge(
    now: Measured, tried: Measured, wanted: Expected | None, withdrawn: Sequence[str] = ()
) -> Verdict:
    """Say whether what was tried is as good as what is there.

    Args:
        now: The active environment; its tests are known if those of the other failed.
        tried: The other one.
        wanted: What the team expects of a training run, if it was made.
        withdrawn: What came in although its makers withdrew it, each as a sentence.
    """
    if tried.tests is False and now.tests is False:
        return Verdict(False, "the tests fail in the active environment too, so this says nothing")
    if tried.tests is False:
        return Verdict(False, "the tests fail with it")
    rows = wanted.metrics.items() if wanted and tried.metrics else ()
    far = [name for name, metric in rows if not metric.admits(tried.metrics.get(name))]
    if far:
        return Verdict(False, f"{', '.join(far)} differ from what is expected")
    if withdrawn:
        return Verdict(False, " and ".join(withdrawn))
    checked = ["the tests pass"] if tried.tests else []
    checked += ["the metrics are as expected"] if tried.metrics else []
    return Verdict(True, " and ".join(checked) or "it installs and imports")


def table(now: Measured, tried: Measured, wanted: Expected | None) -> list[str]:
    """Return the lines of a table of both environments."""
    rows = [("", "now", "tried", "")]
    rows.append(("packages", str(now.packages), str(tried.packages), ""))
    rows.append(("tests", _in_words(now.tests), _in_words(tried.tests), ""))
    for name, metric in (wanted.metrics if wanted and tried.metrics else {}).items():
        value = tried.metrics.get(name)
        found = "is not there" if value is None else f"{value:.6g}"
        rows.append((name, "", found, f"expected {metric.expected:.6g} +- {metric.tolerance:.6g}"))
    rows.append(("import", f"{now.import_seconds:.2f} s", f"{tried.import_seconds:.2f} s", ""))
    rows.append(("size", in_words(now.size), in_words(tried.size), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
        ).rstrip()
        for row in rows
    ]


def train(folder: Path, copy: Path, wanted: Expected) -> dict[str, float]:
    """Train in a copy of the project with an environment and return what it reached.

    Raises:
        ToolError: It fails.
    """
    say(f"Training in {folder.name}.")
    baseline.prepare(copy, python(folder))
    return dict(baseline.train(copy, wanted.arguments, python(folder)).metrics)


def _seconds_to_import(folder: Path, names: Sequence[str]) -> float:
    try:
        return import_check.seconds(folder, names, UNTOUCHED)
    except CommandError as error:
        raise ToolError(f"{folder.name} does not work any more: {error}") from error


def _in_words(passed: bool | None) -> str:
    return {True: "pass", False: "fail", None: "not run"}[passed]
