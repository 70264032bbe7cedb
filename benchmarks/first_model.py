"""Time the way from an empty folder to a predicted model, relative to an earlier commit.

    python benchmarks/first_model.py [--base COMMIT] [--rounds 1] [--check]

A project is rendered from the template as it stands and another one from the base; both go the way
of ``make demo``, step by step in turn, so that other work on the machine slows both. Each begins
with empty caches of its own. Then the project's own tests are timed, ``make`` and ``make status``.
Shown are the least of all rounds and the ratios to the base, in seconds of a clock and of processor
time. ``--check`` fails where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from hooks.new_project import machine_answers
from maintain import ROOT
from maintain.demo import STEPS
from tests.lifecycle.projects import ENVIRONMENT, Project, succeeded
from tests.support.copier_runs import git, render, stage

BASE = "df357bc"
"""The last commit before these times were looked at; what the aims are relative to."""

RENDER, TEST, WAY = "render", "test", "to a predicted model"
BASE_SIDE, NEW_SIDE = "base", "now"
PARTS = ("NAME", "EMAIL")
NAMED = {f"GIT_{role}_{part}": "benchmark" for role in ("AUTHOR", "COMMITTER") for part in PARTS}
MAKE = {"make": (), "make status": ("status",)}
REPEATED = 7
AIMS = {WAY: 0.45, TEST: 0.5, "make": 0.5, "make status": 0.5}
"""Of the base's seconds."""


@dataclass(frozen=True)
class Spent:
    """What something took, in seconds: by the clock, and of processor time."""

    seconds: float
    processor: float

    def __add__(self, other: Spent) -> Spent:
        """Return both, one after the other."""
        return Spent(self.seconds + other.seconds, self.processor + other.processor)


Times = dict[str, dict[str, Spent]]
"""By what was done and by side."""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a released template, and the project made from it."""

    template: Path
    project: Project
    variables: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path, source: Path) -> Side:
        """Release the template that lies in a repository; its project begins with empty caches."""
        caches = {f"{name}_CACHE_DIR": str(folder / name) for name in ("UV", "PIP")}
        variables = {**caches, "PYTHON": sys.executable}
        return cls(
            stage(folder / "template", source=source), Project(folder / "project"), variables
        )

    def render(self) -> None:
        """Make the project's files."""
        render(self.template, self.project.folder, machine_answers())

    def tools(self, *arguments: str) -> None:
        """Run a command of the project; it must succeed."""
        folder = self.project.folder
        start = ["keep.py"] if (folder / "keep.py").exists() else ["-m", "tools"]
        succeeded(
            subprocess.run(
                [sys.executable, *start, *arguments],
                cwd=folder,
                env={**ENVIRONMENT, **self.variables},
                capture_output=True,
                text=True,
                check=False,
            )
        )

    def make(self, *arguments: str) -> None:
        """Run make in the project; it must succeed."""
        command = ["make", f"PYTHON={shlex.quote(sys.executable)}", *arguments]
        folder = self.project.folder
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def measured(work: Callable[[], None]) -> Spent:
    """Do something and return what it took, programs that were started included."""
    start, before = time.perf_counter(), _processor_time()
    work()
    return Spent(time.perf_counter() - start, _processor_time() - before)


def _processor_time() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def least(one: Spent, other: Spent) -> Spent:
    """Return the shorter times of two."""
    return Spent(min(one.seconds, other.seconds), min(one.processor, other.processor))


def in_turn(times: Times, name: str, work: Mapping[str, Callable[[], None]]) -> None:
    """Do something on both sides, one after the other, and keep the shortest times."""
    row = times.setdefault(name, {})
    for side, function in work.items():
        spent = measured(function)
        row[side] = least(row[side], spent) if side in row else spent


def one_round(sides: Mapping[str, Side], times: Times, console: Console) -> None:
    """Go the whole way on both sides."""
    with console.status(RENDER):
        in_turn(times, RENDER, {name: side.render for name, side in sides.items()})
    for step, command in STEPS.items():
        with console.status(step):
            in_turn(times, step, {name: _command(side, command) for name, side in sides.items()})
    for name, arguments in MAKE.items():
        for _ in range(REPEATED):
            in_turn(times, name, {key: _make(side, arguments) for key, side in sides.items()})


def _command(side: Side, command: tuple[str, ...]) -> Callable[[], None]:
    return lambda: side.tools(*command)


def _make(side: Side, arguments: tuple[str, ...]) -> Callable[[], None]:
    return lambda: side.make(*arguments)


def with_sum(times: Times) -> Times:
    """Return the times with those of the whole way: rendering and all steps but the tests."""
    way = [RENDER, *(step for step in STEPS if step != TEST)]
    nothing = Spent(0, 0)
    total = {side: sum((times[step][side] for step in way), nothing) for side in times[RENDER]}
    return {**{step: times[step] for step in way}, WAY: total, **times}


def ratio(row: Mapping[str, Spent]) -> float:
    """Return the seconds of now as a part of the base's."""
    return row[NEW_SIDE].seconds / row[BASE_SIDE].seconds


def missed(times: Times) -> list[str]:
    """Return the aims that were missed, in words."""
    return [
        f"{name} took {ratio(times[name]):.2f} of the base's time, the aim is at most {aim}"
        for name, aim in AIMS.items()
        if ratio(times[name]) > aim
    ]


def table_of(times: Times, base: str) -> Table:
    """Return the times and their ratios for people."""
    title = f"{os.cpu_count()} cores, base {base}"
    table = Table("", "base", "now", "ratio", "processor: base", "now", "ratio", title=title)
    for name, row in times.items():
        before, now = row[BASE_SIDE], row[NEW_SIDE]
        cells = [f"{before.seconds:.2f}", f"{now.seconds:.2f}", f"{ratio(row):.2f}"]
        cells += [f"{before.processor:.2f}", f"{now.processor:.2f}"]
        table.add_row(name, *cells, f"{now.processor / before.processor:.2f}")
    return table


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base", default=BASE, help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    os.environ |= NAMED
    console, times = Console(), Times()
    with TemporaryDirectory() as temporary:
        base = Path(temporary) / BASE_SIDE
        git(ROOT, "clone", "--quiet", str(ROOT), str(base))
        git(base, "checkout", "--quiet", arguments.base)
        for number in range(arguments.rounds):
            folder = Path(temporary) / f"round-{number}"
            sources = {BASE_SIDE: base, NEW_SIDE: ROOT}
            sides = {name: Side.of(folder / name, path) for name, path in sources.items()}
            one_round(sides, times, console)
            shutil.rmtree(folder)
    times = with_sum(times)
    console.print(table_of(times, arguments.base))
    late = missed(times)
    for line in late:
        console.print(line)
    return 1 if late and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
