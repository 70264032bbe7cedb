"""Run one bisection from its two locks to its culprits, and log every step."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path

from envkeep.bisect import mixed_environments, test_run
from envkeep.bisect.dependencies import read_dependencies
from envkeep.bisect.endpoints import LayerLocks
from envkeep.bisect.groups import Dependency, GroupPlan, plan_groups, ranked
from envkeep.bisect.log import FOUND, BisectLog
from envkeep.bisect.mixed_environments import Ready
from envkeep.bisect.mixing import FILES, ORDER, PackageChange, between, mixed
from envkeep.bisect.result import BisectResult
from envkeep.bisect.search import Groups, Progress, Search, Verdict, most_steps
from envkeep.bisect.test_run import Inconclusive
from envkeep.errors import ToolError
from envkeep.files import write_whole
from envkeep.paths import BISECTIONS, shown
from envkeep.process import say
from envkeep.project.target import Target

DEPENDENCIES = "needs.json"
ENDPOINTS = 2
ROW = "{:>4}  {:>8}  {:<7}  {:>7}  {:>12}  {}"
HEADER = ROW.format("step", "suspects", "verdict", "seconds", "left at most", "tested")


@dataclass
class Bisection:
    """The two locks of a bisection, and the test.

    Attributes:
        good: The lock with which the test passes.
        bad: The lock with which it fails.
        words: The test's command.
        project: A copy of the project; the test runs in copies of it.
        target: What the locks are for.
        runs: How often the test has to say the same in every environment.
    """

    good: LayerLocks
    bad: LayerLocks
    words: Sequence[str]
    project: Path
    target: Target
    runs: int
    _rows: list[str] = field(default_factory=list)

    @cached_property
    def changes(self) -> list[PackageChange]:
        """What differs between both locks."""
        return between(self.good, self.bad)

    @cached_property
    def log(self) -> BisectLog:
        """Its record; the same locks, test and files of the project have the same one."""
        parts = [self.good.sha256, self.bad.sha256, *self.words, test_run.digest(self.project)]
        return BisectLog(BISECTIONS / hashlib.sha256(repr(parts).encode()).hexdigest()[:12])

    def run(self) -> BisectResult:
        """Search, and return what was found.

        Raises:
            Inconclusive: There is nothing to be found, or the test does not say the same twice.
            ToolError: A step cannot be made; the same command goes on from there.
        """
        try:
            self._check_endpoints()
            plan = self._plan()
            ask = partial(self._ask, plan)
            found = Search(plan.dependencies, ask).run()
        except Inconclusive:
            self.log.add(ended="inconclusive")
            raise
        self.log.add(ended=FOUND, culprits=[plan.names(each) for each in found.culprits])
        return BisectResult(found, plan, {each.name: each for each in self.changes}, self.good)

    def remove_environments(self) -> None:
        """Delete the environments of the bisection."""
        mixed_environments.remove(self.log.environments())

    def summary(self) -> list[str]:
        """Return the table of the steps again, in one piece, and how much was done."""
        steps = self.log.steps()
        built = sum(1 for row in steps if row["is_built"])
        seconds = sum(float(row["seconds"]) for row in steps)
        return [
            HEADER,
            *self._rows,
            f"{len(steps)} steps, {built} environments made, {seconds:.0f} s; "
            f"{shown(self.log.path)} has every step.",
        ]

    def _check_endpoints(self) -> None:
        """Check that the endpoints differ and that the test tells them apart.

        Raises:
            Inconclusive: There is nothing to search.
        """
        if not self.changes:
            raise Inconclusive("both locks hold the same packages in the same order: no culprit.")
        count = len(self.changes)
        say(f"{count} changes, at most {ENDPOINTS + most_steps(count)} steps for a single culprit.")
        say(HEADER)
        left = ENDPOINTS + most_steps(count)
        good = self._step(self.good, count, left, ())
        self._refuse_no_verdict(good, self.good)
        if good is Verdict.FAIL:
            raise Inconclusive(
                f"no culprit: the test fails with {self.good.title} too; {self._last_output}."
            )
        bad = self._step(self.bad, count, left - 1, [each.name for each in self.changes])
        self._refuse_no_verdict(bad, self.bad)
        if bad is Verdict.PASS:
            raise Inconclusive(
                f"no culprit: the test passes with {self.bad.title}; name a test that fails there."
            )

    def _refuse_no_verdict(self, verdict: Verdict, locks: LayerLocks) -> None:
        if verdict is Verdict.UNKNOWN:
            raise Inconclusive(
                f"the test says nothing with {locks.title}: it selects no test, or ends with exit "
                f"code {test_run.NO_VERDICT}; {self._last_output}."
            )

    def _plan(self) -> GroupPlan:
        path = self.log.folder / DEPENDENCIES
        if path.exists():
            rows = json.loads(path.read_text(encoding="utf-8"))
            dependencies = [Dependency(**row) for row in rows]
        else:
            good, bad = (self._ready(locks).folder for locks in (self.good, self.bad))
            names = [change.name for change in self.changes if change.name not in (FILES, ORDER)]
            dependencies = read_dependencies(good, bad, names, self.target.backend)
            text = json.dumps([asdict(each) for each in dependencies], indent=2)
            write_whole(path, text.encode())
        plan = plan_groups(ranked(self.changes, self.good, self.bad), dependencies)
        if len(plan.groups) < len(self.changes):
            say(f"{len(plan.groups)} groups, as some changes cannot be made without each other.")
        return plan

    def _ask(self, plan: GroupPlan, groups: Groups, progress: Progress) -> Verdict:
        applied = plan.names(groups)
        locks = mixed(self.good, self.bad, self.changes, applied)
        return self._step(locks, progress.suspects, progress.left, applied)

    def _step(
        self, locks: LayerLocks, suspects: int, left: int, applied: Collection[str]
    ) -> Verdict:
        """Return what the test says with some locks, from the log if it was asked before."""
        known = self.log.verdict(locks.sha256)
        if known:
            self._show(suspects, locks, known, "known", left - 1)
            return known
        started = time.monotonic()
        made = self._ready(locks)
        verdict = test_run.verdict(
            self.words, made.folder, self.project, self._output, title=locks.title, runs=self.runs
        )
        seconds = time.monotonic() - started
        self.log.add(
            lock=locks.sha256,
            tested=locks.title,
            applied=list(applied),
            suspects=suspects,
            environment=made.environment.name,
            is_built=made.is_built,
            verdict=verdict,
            seconds=round(seconds, 1),
        )
        self._show(suspects, locks, verdict, f"{seconds:.1f}", left - 1)
        return verdict

    def _ready(self, locks: LayerLocks) -> Ready:
        try:
            made = mixed_environments.ready(locks, self.log.folder / "locks", self.target)
        except ToolError as error:
            reason = str(error).rstrip(".")
            raise ToolError(
                f"the environment of {locks.title} was not made: {reason}; once that is fixed, the "
                "same command goes on from here."
            ) from error
        self.log.add(environment=made.environment.name, is_own=made.is_own)
        return made

    def _show(
        self, suspects: int, locks: LayerLocks, verdict: Verdict, seconds: str, left: int
    ) -> None:
        number = len(self._rows) + 1
        self._rows.append(ROW.format(number, suspects, verdict, seconds, left, locks.title))
        say(self._rows[-1])

    @property
    def _output(self) -> Path:
        return self.log.folder / f"output-{len(self.log.steps()) + 1}.txt"

    @property
    def _last_output(self) -> str:
        return f"what it prints is in {shown(self.log.folder)}/output-{len(self.log.steps())}.txt"
