"""Make the environment that a copy of the project asks for, and compare it with the active one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envkeep.diff import changes as lock_diff
from envkeep.diff import report as diff_report
from envkeep.diff import sides
from envkeep.diff.changes import Known
from envkeep.diff.report import Report
from envkeep.diff.version_facts import ask_index
from envkeep.environments import build, integrity, store
from envkeep.environments.build import Contents
from envkeep.environments.store import DEVELOPMENT, Generation
from envkeep.errors import ToolError
from envkeep.locks import failures
from envkeep.locks.lock_set import Locks
from envkeep.paths import LOCKS, REQUIREMENTS, ROOT
from envkeep.process import say
from envkeep.project import target as backends
from envkeep.project.requirements import layers, layers_of
from envkeep.project.target import Target
from envkeep.staging import comparison
from envkeep.staging.comparison import Measured, Verdict
from envkeep.training import baseline
from envkeep.training.baseline import Expected


@dataclass(frozen=True)
class Tried:
    """What came out.

    Attributes:
        generation: The environment that was made.
        now: What is known of the active environment.
        tried: What is known of the other one.
        expected: What the team expects of a training run, if one was made.
        report: What changed.
    """

    generation: Generation
    now: Measured
    tried: Measured
    expected: Expected | None
    report: Report

    @property
    def verdict(self) -> Verdict:
        """Whether the other one is as good."""
        withdrawn = [
            f"{each.after.name} {each.after.version} was withdrawn by its makers"
            f" ({' '.join(each.now.yanked.split()) or 'they give no reason'})"
            for each in self.report.changes
            if each.after and each.now.yanked is not None
        ]
        return comparison.judge(self.now, self.tried, self.expected, withdrawn)

    def show(self) -> None:
        """Print what changed, as `make diff` does, and a table of both."""
        table = comparison.table(self.now, self.tried, self.expected)
        for line in ["", *diff_report.lines(self.report), "", *table, ""]:
            say(line)


def active() -> Generation:
    """Return the active development environment.

    Raises:
        ToolError: There is none, or its Python is gone.
    """
    found = store.active(DEVELOPMENT)
    if found is None:
        raise ToolError("there is no development environment to compare with; run `make install`.")
    problem = integrity.problem_with_python(found.folder, found.python)
    if problem and problem.breaks:
        raise ToolError(f"{found.name} is damaged: {problem.text}; `make install` makes it anew.")
    return found


def contents_of(copy: Path, target: Target) -> Contents:
    """Return what the environment of a copy of the project is filled from.

    Raises:
        ToolError: It is not locked.
    """
    top = copy / REQUIREMENTS.relative_to(ROOT)
    locks = Locks(target, copy / LOCKS.relative_to(ROOT))
    return Contents.of(locks, layers_of(locks.folder, top), top)


def compare(
    copy: Path,
    contents: Contents,
    wanted: Generation,
    steps: Sequence[Sequence[str]],
    *,
    quick: bool,
    smoke_test: bool = True,
) -> Tried:
    """Make an environment beside the active one if it is not there, and compare the two.

    Args:
        copy: Where tests and training run.
        contents: What it is filled from.
        wanted: The facts of that environment.
        steps: The arguments of Python that run the tests.
        quick: Leave out tests and training.
        smoke_test: Whether the project's smoke test judges the environment before.

    Raises:
        ToolError: It cannot be made.
    """
    present = active()
    here = Contents.of(Locks(backends.chosen().target), layers())
    made = _made(wanted, contents, present, smoke_test=smoke_test)
    report = _report(present, made)
    now = comparison.measure(present, here.locks, here.names)
    tried = comparison.measure(made, contents.locks, contents.names)
    expected = None if quick else baseline.expected()
    if not quick:
        now, tried = _tested(now, tried, copy, steps)
    if tried.tests and expected and expected.metrics:
        tried = replace(tried, metrics=comparison.train(made.folder, copy, expected))
    return Tried(made, now, tried, expected, report)


def _made(
    wanted: Generation, contents: Contents, present: Generation, *, smoke_test: bool
) -> Generation:
    """Return a generation, which is made if it is not there."""
    found = build.usable(DEVELOPMENT, wanted, contents)
    if found is not None:
        return found
    say(f"Making the environment {wanted.name} beside {present.name}, which stays active.")
    try:
        return build.make(DEVELOPMENT, wanted, contents, smoke_test=smoke_test)
    except ToolError as error:
        reason = failures.of_install(error)
        raise ToolError(
            f"the change cannot be installed, nothing was switched: {reason}."
        ) from error


def _report(before: Generation, after: Generation) -> Report:
    """Return what changed, with what the index says of the versions that came in."""
    target = backends.chosen().target
    old, new = (sides.read(each.name, target) for each in (before, after))
    changes = lock_diff.changes(old, new)
    known: Known = {}
    notes = []
    try:
        known = ask_index(each.after for each in changes if each.after)
    except ToolError:
        notes.append("nobody could be asked whether a version was withdrawn by its makers.")
    return Report(old, new, [lock_diff.with_facts(each, known) for each in changes], notes=notes)


def _tested(
    now: Measured, tried: Measured, copy: Path, steps: Sequence[Sequence[str]]
) -> tuple[Measured, Measured]:
    """Run the tests; in the active environment only if they fail in the other."""
    passed = _passes(tried, copy, steps)
    if not passed and now.folder != tried.folder:
        now = replace(now, tests=_passes(now, copy, steps))
    return now, replace(tried, tests=passed)


def _passes(measured: Measured, copy: Path, steps: Sequence[Sequence[str]]) -> bool:
    say(f"Running the tests in {measured.folder.name}.")
    return comparison.passes_tests(measured.folder, copy, steps)
