"""One bisection from its two locks to its culprits, every step kept as it is made."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from envkeep.bisect import mixed_environments, test_run
from envkeep.bisect.dependencies import read_needs
from envkeep.bisect.endpoints import End
from envkeep.bisect.groups import Need, Plan, planned, ranked
from envkeep.bisect.log import FOUND, Log
from envkeep.bisect.mixed_environments import Ready
from envkeep.bisect.mixing import FILES, ORDER, Change, between, mixed
from envkeep.bisect.result import Outcome
from envkeep.bisect.search import Groups, Progress, Search, Verdict, most_trials
from envkeep.bisect.test_run import Inconclusive
from envkeep.errors import ToolError
from envkeep.files import write_whole
from envkeep.paths import BISECTIONS, shown
from envkeep.process import say
from envkeep.project.target import Target

NEEDS = "needs.json"
ENDS = 2
ROW = "{:>4}  {:>8}  {:<7}  {:>7}  {:>12}  {}"
HEADER = ROW.format("step", "suspects", "verdict", "seconds", "left at most", "tested")


@dataclass
class Bisection:
    """What is compared, and by what.

    Attributes:
        good: The lock with which the test passes.
        bad: The lock with which it fails.
        words: The test's command.
        project: A copy of the project; the test runs in copies of it.
        target: What the locks are for.
        runs: How often the test has to say the same in every environment.
    """

    good: End
    bad: End
    words: Sequence[str]
    project: Path
    target: Target
    runs: int
    _rows: list[str] = field(default_factory=list)

    @cached_property
    def changes(self) -> list[Change]:
        """What differs between both locks."""
        return between(self.good, self.bad)

    @cached_property
    def log(self) -> Log:
        """Its record; the same locks, test and files of the project have the same one."""
        parts = [self.good.sha256, self.bad.sha256, *self.words, test_run.digest(self.project)]
        return Log(BISECTIONS / hashlib.sha256(repr(parts).encode()).hexdigest()[:12])

    def run(self) -> Outcome:
        """Search, and return what was found.

        Raises:
            Inconclusive: There is nothing to be found, or the test does not say the same twice.
            ToolError: A step cannot be made; the same command goes on from there.
        """
        try:
            self._check_ends()
            plan = self._plan()
            found = Search(plan.needs, lambda groups, how: self._trial(plan, groups, how)).run()
        except Inconclusive:
            self.log.add(ended="inconclusive")
            raise
        self.log.add(ended=FOUND, culprits=[plan.names(each) for each in found.culprits])
        return Outcome(found, plan, {each.name: each for each in self.changes}, self.good)

    def remove_environments(self) -> None:
        """Delete the environments that were made for it."""
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

    def _check_ends(self) -> None:
        """Make sure that there is something to search.

        Raises:
            Inconclusive: There is not.
        """
        if not self.changes:
            raise Inconclusive("both locks hold the same packages in the same order: no culprit.")
        count = len(self.changes)
        say(f"{count} changes, at most {ENDS + most_trials(count)} steps for a single culprit.")
        say(HEADER)
        left = ENDS + most_trials(count)
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

    def _refuse_no_verdict(self, verdict: Verdict, end: End) -> None:
        if verdict is Verdict.UNKNOWN:
            raise Inconclusive(
                f"the test says nothing with {end.title}: it selects no test, or ends with exit "
                f"code {test_run.NO_VERDICT}; {self._last_output}."
            )

    def _plan(self) -> Plan:
        path = self.log.folder / NEEDS
        if path.exists():
            needs = [Need(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
        else:
            good, bad = (self._ready(end).folder for end in (self.good, self.bad))
            names = [change.name for change in self.changes if change.name not in (FILES, ORDER)]
            needs = read_needs(good, bad, names, self.target.backend)
            write_whole(path, json.dumps([asdict(need) for need in needs], indent=2).encode())
        plan = planned(ranked(self.changes, self.good, self.bad), needs)
        if len(plan.groups) < len(self.changes):
            say(f"{len(plan.groups)} groups, as some changes cannot be made without each other.")
        return plan

    def _trial(self, plan: Plan, groups: Groups, progress: Progress) -> Verdict:
        applied = plan.names(groups)
        end = mixed(self.good, self.bad, self.changes, applied)
        return self._step(end, progress.suspects, progress.left, applied)

    def _step(self, end: End, suspects: int, left: int, applied: Collection[str]) -> Verdict:
        """Return what the test says with some locks, from the log if it was asked before."""
        known = self.log.verdict(end.sha256)
        if known:
            self._show(suspects, end, known, "known", left - 1)
            return known
        started = time.monotonic()
        made = self._ready(end)
        verdict = test_run.verdict(
            self.words, made.folder, self.project, self._output, title=end.title, runs=self.runs
        )
        seconds = time.monotonic() - started
        self.log.add(
            lock=end.sha256,
            tested=end.title,
            applied=list(applied),
            suspects=suspects,
            environment=made.generation.name,
            is_built=made.is_built,
            verdict=verdict,
            seconds=round(seconds, 1),
        )
        self._show(suspects, end, verdict, f"{seconds:.1f}", left - 1)
        return verdict

    def _ready(self, end: End) -> Ready:
        try:
            made = mixed_environments.ready(end, self.log.folder / "locks", self.target)
        except ToolError as error:
            reason = str(error).rstrip(".")
            raise ToolError(
                f"the environment of {end.title} was not made: {reason}; once that is mended, the "
                "same command goes on from here."
            ) from error
        self.log.add(environment=made.generation.name, is_own=made.is_own)
        return made

    def _show(self, suspects: int, end: End, verdict: Verdict, seconds: str, left: int) -> None:
        number = len(self._rows) + 1
        self._rows.append(ROW.format(number, suspects, verdict, seconds, left, end.title))
        say(self._rows[-1])

    @property
    def _output(self) -> Path:
        return self.log.folder / f"output-{len(self.log.steps()) + 1}.txt"

    @property
    def _last_output(self) -> str:
        return f"what it prints is in {shown(self.log.folder)}/output-{len(self.log.steps())}.txt"
