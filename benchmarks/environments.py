"""Time what is done with environments, relative to a fresh install of the same lock.

    python benchmarks/environments.py [--training pytorch] [--rounds 3] [--line 100] [--check]

One project is made. Round by round it is measured how long these take: a fresh install with empty
caches, which fetches everything from the registry; an install of another lock with the same
packages, with caches; the second install of the same lock; then trying a change of one package,
without the tests and the training, which take as long as they take; restoring from a saved folder
with empty caches; the doctor. How long fetching takes depends on the line, so the fresh install and
the try are also measured through one of a stated speed. Shown are medians and their ratios to the
fresh install of the same line. ``--check`` fails where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.slow_line import slow_line
from hooks.new_project import machine_answers
from tests.lifecycle.projects import Project, succeeded
from tests.support.copier_runs import render, stage

FRESH, AGAIN, SECOND, TRY, RESTORE, DOCTOR, FRESH_BY_LINE, TRY_BY_LINE = (
    "fresh install, empty caches",
    "install, with caches",
    "second install",
    "try of one package",
    "restore, empty caches",
    "doctor",
    "fresh install, empty caches, by the line",
    "try of one package, by the line",
)
CHANGE = ("try", "tomli-w", "--quick")
AIMS = {SECOND: 1.0, DOCTOR: 1.0}
"""Seconds."""

RATIOS = {TRY_BY_LINE: 0.2}
"""Of the fresh install."""


def seconds(project: Project, *arguments: str, **variables: str) -> float:
    """Run the tools and return how long it took; they must succeed."""
    start = time.perf_counter()
    succeeded(project.tools(*arguments, **variables))
    return time.perf_counter() - start


def without_caches(folder: Path) -> dict[str, str]:
    """Return variables by which uv and pip begin with empty caches."""
    shutil.rmtree(folder, ignore_errors=True)
    return {"UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip")}


def forget(project: Project) -> None:
    """Delete the environments of the project and torch's wheels, but not the pinned tools."""
    for name in project.environments():
        shutil.rmtree(project.folder / ".venvs" / name)
    (project.folder / ".venv").unlink(missing_ok=True)
    shutil.rmtree(project.folder / ".cache" / "wheels", ignore_errors=True)


def measured(project: Project, folder: Path, by_line: dict[str, str]) -> dict[str, float]:
    """Measure everything once.

    Args:
        project: The project.
        folder: Where caches and what is saved go.
        by_line: Variables that lead through the line.
    """
    found = {}
    caches = without_caches(folder / "cache")
    forget(project)
    found[FRESH_BY_LINE] = seconds(project, "install", **caches, **by_line)
    found[TRY_BY_LINE] = seconds(project, *CHANGE, **caches, **by_line)
    caches = without_caches(folder / "cache")
    forget(project)
    found[FRESH] = seconds(project, "install", **caches)
    found[SECOND] = seconds(project, "install")
    found[DOCTOR] = seconds(project, "doctor")
    forget(project)
    found[AGAIN] = seconds(project, "install")
    found[TRY] = seconds(project, *CHANGE)
    saved = folder / "saved"
    succeeded(project.tools("save", str(saved)))
    forget(project)
    caches = without_caches(folder / "cache")
    found[RESTORE] = seconds(project, "restore", str(saved), "--quick", **caches)
    return found


def of_fresh(name: str, medians: dict[str, float]) -> float:
    """Return the ratio to the fresh install of the same line."""
    return medians[name] / medians[FRESH_BY_LINE if name == TRY_BY_LINE else FRESH]


def missed(medians: dict[str, float]) -> list[str]:
    """Return the aims that were missed, in words."""
    late = [
        f"{name} took {medians[name]:.2f} s, the aim is under {aim:.0f} s"
        for name, aim in AIMS.items()
        if medians[name] > aim
    ]
    return late + [
        f"{name} took {of_fresh(name, medians):.2f} of a fresh install, the aim is under {aim}"
        for name, aim in RATIOS.items()
        if of_fresh(name, medians) > aim
    ]


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--training", default="pytorch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--line", type=float, default=100, help="its speed in megabits a second")
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    console = Console()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        template = stage(folder / "template")
        answers = {**machine_answers(), "training": arguments.training}
        project = Project(render(template, folder / "project", answers))
        with console.status("Making the project"):
            succeeded(project.tools("setup"))
            project.commit("The project")
        index = answers.get("torch_index")
        with_torch = index is not None and Path(index).is_dir()
        rounds = []
        for number in range(1, arguments.rounds + 1):
            status = console.status(f"Round {number} of {arguments.rounds}")
            with status, slow_line(arguments.line, with_torch=with_torch) as by_line:
                rounds.append(measured(project, folder, by_line))
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    title = f"{os.cpu_count()} cores, a line of {arguments.line:g} megabits a second"
    table = Table("", "seconds", "of a fresh install", title=title)
    for name, value in medians.items():
        table.add_row(name, f"{value:.2f}", f"{of_fresh(name, medians):.2f}")
    console.print(table)
    late = missed(medians)
    for line in late:
        console.print(line)
    return 1 if late and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
