"""Stage the environment that a copy of the project asks for: beside the active one, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envkeep.diff import changes as lock_diff
from envkeep.diff import report as diff_report
from envkeep.diff import sides
from envkeep.diff.changes import Known
from envkeep.diff.report import Report
from envkeep.diff.version_facts import ask_index
from envkeep.environments import build, integrity, store
from envkeep.environments.spec import EnvironmentSpec
from envkeep.environments.store import DEVELOPMENT, Environment
from envkeep.errors import ToolError
from envkeep.locks import failures
from envkeep.locks.lock_set import Locks
from envkeep.paths import LOCKS, REQUIREMENTS, ROOT, python
from envkeep.process import say
from envkeep.project import target as backends
from envkeep.project.requirements import layers, layers_of
from envkeep.project.target import Target
from envkeep.staging import compare, project_tests
from envkeep.staging.compare import Comparison, Measured
from envkeep.training import baseline
from envkeep.training import run as training
from envkeep.training.baseline import Baseline


@dataclass(frozen=True)
class StagingResult:
    """The result of staging.

    Attributes:
        environment: The environment that was staged.
        comparison: How it does beside the active one.
        report: What changed.
    """

    environment: Environment
    comparison: Comparison
    report: Report

    def lines(self) -> list[str]:
        """Return what changed, as `make diff` says it, and a table of both."""
        return ["", *diff_report.as_lines(self.report), "", *self.comparison.table(), ""]

    def as_data(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {
            "environment": self.environment.name,
            "good": self.comparison.is_good,
            "comparison": self.comparison.sentence,
            "active": self.comparison.active.as_data(),
            "staged": self.comparison.staged.as_data(),
            "diff": diff_report.as_data(self.report),
        }


def active() -> Environment:
    """Return the active development environment.

    Raises:
        ToolError: No environment is active, or its Python is gone.
    """
    found = store.active(DEVELOPMENT)
    if found is None:
        raise ToolError("there is no development environment to compare with; run `make install`.")
    problem = integrity.problem_with_python(found.folder, found.python)
    if problem and problem.breaks:
        raise ToolError(f"{found.name} is damaged: {problem.text}; `make install` rebuilds it.")
    return found


def spec_of(copy: Path, target: Target) -> EnvironmentSpec:
    """Return the environment spec of a copy of the project.

    Raises:
        ToolError: The copy has no locks for the target.
    """
    top = copy / REQUIREMENTS.relative_to(ROOT)
    locks = Locks(target, copy / LOCKS.relative_to(ROOT))
    return EnvironmentSpec.of(locks, layers_of(locks.folder, top), top)


def stage(
    copy: Path,
    spec: EnvironmentSpec,
    wanted: Environment,
    steps: Sequence[Sequence[str]],
    *,
    quick: bool,
    smoke_test: bool = True,
) -> StagingResult:
    """Make an environment beside the active one if it is not there, and compare the two.

    Args:
        copy: A copy of the project, where tests and training run.
        spec: What the environment is made from.
        wanted: The facts of that environment.
        steps: The arguments of Python that run the tests.
        quick: Leave out tests and training.
        smoke_test: Whether the project's smoke test judges the environment before.

    Raises:
        ToolError: The environment cannot be made, or one of the two does not import.
    """
    present = active()
    here = EnvironmentSpec.of(Locks(backends.chosen().target), layers())
    made = _made(wanted, spec, present, smoke_test=smoke_test)
    report = _report(present, made)
    now = compare.measure(present, here.locks, here.names)
    staged = compare.measure(made, spec.locks, spec.names)
    wanted_of_training = None if quick else baseline.load()
    if not quick:
        now, staged = _tested(now, staged, copy, steps)
    if staged.tests and wanted_of_training and wanted_of_training.metrics:
        staged = replace(staged, metrics=_train(made.folder, copy, wanted_of_training))
    comparison = Comparison(now, staged, wanted_of_training, _withdrawn(report))
    return StagingResult(made, comparison, report)


def _made(
    wanted: Environment, spec: EnvironmentSpec, present: Environment, *, smoke_test: bool
) -> Environment:
    """Return an environment; make it if it is missing."""
    found = build.usable(DEVELOPMENT, wanted, spec)
    if found is not None:
        return found
    say(f"Making the environment {wanted.name} beside {present.name}, which stays active.")
    try:
        return build.make(DEVELOPMENT, wanted, spec, smoke_test=smoke_test)
    except ToolError as error:
        reason = failures.of_install(error)
        raise ToolError(
            f"the change cannot be installed, nothing was switched: {reason}."
        ) from error


def _report(before: Environment, after: Environment) -> Report:
    """Return what changed, with what the index says of the versions that came in."""
    target = backends.chosen().target
    old, new = (sides.read_side(each.name, target) for each in (before, after))
    changes = lock_diff.compare_sides(old, new)
    known: Known = {}
    notes = []
    try:
        known = ask_index(each.after for each in changes if each.after)
    except ToolError:
        notes.append("nobody could be asked whether a version was withdrawn by its makers.")
    return Report(old, new, [lock_diff.with_facts(each, known) for each in changes], notes=notes)


def _withdrawn(report: Report) -> list[str]:
    """Return a sentence on each version that came in although its makers withdrew it."""
    return [
        f"{each.after.name} {each.after.version} was withdrawn by its makers"
        f" ({' '.join(each.now.yanked.split()) or 'they give no reason'})"
        for each in report.changes
        if each.after and each.now.yanked is not None
    ]


def _tested(
    now: Measured, staged: Measured, copy: Path, steps: Sequence[Sequence[str]]
) -> tuple[Measured, Measured]:
    """Run the tests; in the active environment only if they fail in the staged one."""
    passed = _passes(staged, copy, steps)
    if not passed and now.folder != staged.folder:
        now = replace(now, tests=_passes(now, copy, steps))
    return now, replace(staged, tests=passed)


def _passes(measured: Measured, copy: Path, steps: Sequence[Sequence[str]]) -> bool:
    say(f"Running the tests in {measured.folder.name}.")
    return project_tests.pass_in(measured.folder, copy, steps)


def _train(environment: Path, copy: Path, wanted: Baseline) -> dict[str, float]:
    """Train in a copy of the project and return the metrics that were reached.

    Raises:
        ToolError: The training fails, or does not say what came out.
    """
    say(f"Training in {environment.name}.")
    training.prepare(copy, python(environment))
    return dict(training.train(copy, wanted.arguments, python(environment)).metrics)
