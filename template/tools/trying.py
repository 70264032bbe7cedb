# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make the environment that a copy of the project asks for, and compare it with the active one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import (
    backends,
    diff_report,
    generations,
    installing,
    integrity,
    lock_diff,
    lock_sides,
    trials,
    verdicts,
)
from .backends import Target
from .diff_report import Report
from .errors import ToolError
from .generations import DEVELOPMENT, Generation
from .installing import Contents
from .locks import Locks
from .paths import LOCKS, REQUIREMENTS, ROOT
from .requirements import layers, layers_of
from .run import say
from .trials import Expected
from .verdicts import Measured, Verdict


@dataclass(frozen=True)
class Tried:
    """What came out.

    Attributes:
        generation: The environment that was made.
        now: What is known of the active environment.
        tried: What is known of the other one.
        expected: What the team expects of a training run, if one was made.
    """

    generation: Generation
    now: Measured
    tried: Measured
    expected: Expected | None

    @property
    def verdict(self) -> Verdict:
        """Whether the other one is as good."""
        return verdicts.judge(self.now, self.tried, self.expected)

    def show(self) -> None:
        """Print what changed, as `make diff` does without asking anybody, and a table of both."""
        target = backends.chosen().target
        names = (self.now.folder.name, self.generation.name)
        before, after = (lock_sides.read(name, target) for name in names)
        changes = lock_diff.changes(before, after)
        report = Report(before, after, [lock_diff.with_facts(each, {}) for each in changes])
        table = verdicts.table(self.now, self.tried, self.expected)
        for line in ["", *diff_report.lines(report), "", *table, ""]:
            say(line)


def active() -> Generation:
    """Return the active development environment.

    Raises:
        ToolError: There is none, or its Python is gone.
    """
    found = generations.active(DEVELOPMENT)
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
) -> Tried:
    """Make an environment beside the active one if it is not there, and compare the two.

    Args:
        copy: Where tests and training run.
        contents: What it is filled from.
        wanted: The facts of that environment.
        steps: The arguments of Python that run the tests.
        quick: Leave out tests and training.

    Raises:
        ToolError: It cannot be made.
    """
    present = active()
    here = Contents.of(Locks(backends.chosen().target), layers())
    made = _made(wanted, contents, present)
    now = verdicts.measure(present, here.locks, here.names)
    tried = verdicts.measure(made, contents.locks, contents.names)
    expected = None if quick else trials.expected()
    if not quick:
        now, tried = _tested(now, tried, copy, steps)
    if tried.tests and expected and expected.metrics:
        tried = replace(tried, metrics=verdicts.train(made.folder, copy, expected))
    return Tried(made, now, tried, expected)


def _made(wanted: Generation, contents: Contents, present: Generation) -> Generation:
    """Return a generation, which is made if it is not there."""
    found = installing.usable(DEVELOPMENT, wanted, contents)
    if found is not None:
        return found
    say(f"Making the environment {wanted.name} beside {present.name}, which stays active.")
    return installing.make(DEVELOPMENT, wanted, contents)


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
    return verdicts.passes_tests(measured.folder, copy, steps)
