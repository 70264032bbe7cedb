"""Time envkeep by its launcher, relative to tools that lie in the project as source.

    python benchmarks/launcher.py [--base COMMIT] [--rounds 15] [--check]

A project is rendered from the template as it stands and another one from the base, the last commit
whose projects had ``tools/``. Commands run there in turn, so that other work on the machine slows
all of them: by ``python keep.py``, whose wheels are unpacked already, by envkeep from the unpacked
folder itself, and by ``python -m tools``. What the first takes longer than the second is the
launcher's share. Then ``make`` runs in fresh clones, without network where this machine allows it.
Shown are the least of all rounds. ``--check`` fails where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from maintain import ROOT
from tests.lifecycle.projects import APART, ENVIRONMENT, can_be_apart
from tests.support.copier_runs import commit, git, render, stage

BASE = "44a0b59"
"""The last commit whose projects had their tools as source."""

COMMANDS = ("targets", "status")
TARGETS = ("help", "status", "doctor")
BY_LAUNCHER, DIRECTLY, BY_TOOLS = "keep.py", "envkeep itself", "tools of the base"
SHARE, FIRST = 0.15, 1.0
"""Seconds that the launcher may take, and a target of make in a fresh clone."""

PARTS = ("NAME", "EMAIL")
NAMED = {f"GIT_{role}_{part}": "benchmark" for role in ("AUTHOR", "COMMITTER") for part in PARTS}

Times = dict[str, dict[str, float]]
"""Seconds by what was done and how."""


@dataclass(frozen=True)
class Way:
    """How a project's commands are started.

    Attributes:
        project: The folder of the project.
        start: What comes before the command.
        variables: What is added to the environment.
    """

    project: Path
    start: Sequence[str]
    variables: Mapping[str, str]

    def seconds(self, *arguments: str) -> float:
        """Run a command and return how long it took; a doctor may find errors."""
        began = time.perf_counter()
        done = subprocess.run(
            [*self.start, *arguments],
            cwd=self.project,
            env={**ENVIRONMENT, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        taken = time.perf_counter() - began
        if done.returncode and "doctor" not in arguments:
            raise SystemExit(f"{' '.join(arguments)} failed: {done.stderr.strip()}")
        return taken


def ways(folder: Path, base: str) -> dict[str, Way]:
    """Make both projects, and return the ways of starting their commands."""
    git(folder, "clone", "--quiet", str(ROOT), "base")
    before = render(folder / "base", folder / "before", version=base)
    now = render(stage(folder / "template"), folder / "now")
    for project in (before, now):
        commit(project, "First copy")
    by_launcher = Way(now, [sys.executable, "keep.py"], {})
    by_launcher.seconds("targets")
    (unpacked,) = now.glob(".venvs/envkeep-*")
    found = {"PYTHONPATH": str(unpacked), "ENVKEEP_PROJECT": str(now)}
    return {
        BY_LAUNCHER: by_launcher,
        DIRECTLY: Way(now, [sys.executable, "-m", "envkeep"], found),
        BY_TOOLS: Way(before, [sys.executable, "-m", "tools"], {}),
    }


def in_turn(ways: Mapping[str, Way], rounds: int) -> Times:
    """Run each command by each way in each round, after one that does not count."""
    found: Times = {}
    for number in range(rounds + 1):
        for command in COMMANDS:
            row = found.setdefault(command, {})
            for name, way in ways.items():
                taken = way.seconds(command)
                row[name] = min(row.get(name, taken), taken) if number else float("inf")
    return found


def in_fresh_clones(project: Path, folder: Path, rounds: int) -> dict[str, float]:
    """Return how long targets of make take where nothing ran before."""
    start = [*(APART if can_be_apart() else ()), "make", f"PYTHON={shlex.quote(sys.executable)}"]
    found: dict[str, float] = {}
    for number in range(rounds):
        for target in TARGETS:
            clone = folder / f"{target}-{number}"
            git(folder, "clone", "--quiet", str(project), str(clone))
            taken = Way(clone, start, {}).seconds(target)
            found[target] = min(found.get(target, taken), taken)
    return found


def share(row: Mapping[str, float]) -> float:
    """Return the seconds that the launcher took itself."""
    return row[BY_LAUNCHER] - row[DIRECTLY]


def missed(times: Times, first: Mapping[str, float]) -> list[str]:
    """Return the aims that were missed, in words."""
    late = [
        f"the launcher took {share(row):.2f} s of {command}, the aim is at most {SHARE} s"
        for command, row in times.items()
        if share(row) > SHARE
    ]
    return late + [
        f"make {target} took {taken:.2f} s in a fresh clone, the aim is under {FIRST:.0f} s"
        for target, taken in first.items()
        if taken >= FIRST
    ]


def table_of(times: Times) -> Table:
    """Return the times of the commands for people."""
    table = Table(
        "", *(f"{name}, s" for name in next(iter(times.values()))), "launcher, s", "to it"
    )
    for command, row in times.items():
        cells = [f"{taken:.3f}" for taken in row.values()]
        ratio = row[BY_LAUNCHER] / row[BY_TOOLS]
        table.add_row(command, *cells, f"{share(row):.3f}", f"{ratio:.2f}")
    return table


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base", default=BASE, help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is timed (15)")
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    os.environ |= NAMED
    console = Console(highlight=False, soft_wrap=True)
    with TemporaryDirectory(prefix="launcher-") as name:
        started = ways(Path(name), arguments.base)
        times = in_turn(started, arguments.rounds)
        project = started[BY_LAUNCHER].project
        first = in_fresh_clones(project, Path(name), min(3, arguments.rounds))
    console.print(table_of(times))
    for target, taken in first.items():
        console.print(f"make {target} in a fresh clone: {taken:.2f} s")
    late = missed(times, first)
    for line in late:
        console.print(line)
    return 1 if late and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
