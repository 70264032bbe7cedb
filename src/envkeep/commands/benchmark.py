"""Time training against an earlier commit, as a ratio that any machine can measure."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from envkeep.commands import project_tasks
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import CommandError
from envkeep.paths import EXPECTED, ROOT, shown
from envkeep.project import snapshot
from envkeep.project.git import Git
from envkeep.result import Result
from envkeep.training import baseline
from envkeep.training import run as training

HELP = "time training against an earlier commit; --against main chooses"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--against", default="HEAD^", help="the earlier commit; HEAD^ by default")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; the fastest counts")


def run(arguments: argparse.Namespace) -> Result:
    """Train both in turn, so that a change of the machine's load meets both, and compare.

    It fails if the ratio is above what configs/expected.toml admits.
    """
    wanted = baseline.load()
    if wanted is None:
        return Result({}, [f"{shown(EXPECTED)} is not there, so nothing is timed."])
    commit = Git(ROOT).says("rev-parse", "--verify", "--quiet", arguments.against + "^{commit}")
    if not commit:
        return Result({}, [f"There is no commit {arguments.against} to compare with."])
    project_tasks.python_of(DEVELOPMENT)
    times = _times(commit, wanted.arguments, max(1, arguments.rounds))
    if not times:
        nothing = "does not train in this environment: there is nothing to compare."
        return Result({}, [f"{arguments.against} {nothing}"])
    return _compared(commit, *times, wanted.slowdown)


def _compared(commit: str, before: float, now: float, admitted: float) -> Result:
    ratio = now / before
    data = {"commit": commit, "before": before, "now": now, "ratio": ratio, "admitted": admitted}
    lines = [
        f"training takes {ratio:.2f} times as long as at {commit[:12]} "
        f"({now:.2f} s, {before:.2f} s then); up to {admitted:.2f} is allowed"
    ]
    if ratio <= admitted:
        return Result(data, lines)
    return Result.failed(
        f"training became {ratio:.2f} times as slow: find out why; if it is worth it, raise "
        f"slowdown in {shown(EXPECTED)} with that change.",
        data,
        lines,
    )


def _times(commit: str, arguments: Sequence[str], rounds: int) -> tuple[float, float] | None:
    """Return the shortest times in seconds at a commit and now, None if it does not train there."""
    before, now = [], []
    with snapshot.of_commit(commit) as old, snapshot.of_now() as new:
        training.prepare(new)
        try:
            training.prepare(old)
            before.append(training.train(old, arguments).seconds)
        except CommandError:
            return None
        for _ in range(rounds):
            now.append(training.train(new, arguments).seconds)
            before.append(training.train(old, arguments).seconds)
    return min(before), min(now)
