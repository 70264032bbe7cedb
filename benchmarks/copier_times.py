"""Time Copier on this template against simpler ones, and the renders of the test matrix.

    python benchmarks/copier_times.py [--rounds 7] [--check] [--before COMMIT]

The others are a template of nothing but the file of answers, and one of the very files that this
template renders by default, without a question or a line of Jinja in them: what Copier itself takes
to write so many files. With --before, this template as it was at a commit is one more. All are git
repositories with two releases, and run in turn, so that other work on the machine slows all of
them. The minima say most about the template, the medians about the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from maintain import ROOT
from tests.render.cells import CELLS
from tests.support.copier_runs import NEWEST, checked_out, commit, git, release, render, stage
from tests.support.fast_copier import FastCopier

BEFORE = "998.0.0"
ANSWERS_FILE = "{{ _copier_conf.answers_file }}.jinja"
ANSWERS = "{{ _copier_answers | to_nice_yaml }}"
AIMS = {"copy": 1.5, "update": 1.8}
"""How many times as long as on the same files without questions Copier may take."""
RENDERS = 15.0
"""How many projects a second one core shall render in the tests."""
PARTS = ("NAME", "EMAIL")
NAMED = {f"GIT_{role}_{part}": "benchmark" for role in ("AUTHOR", "COMMITTER") for part in PARTS}
SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **NAMED}
MEASURED = "could not be measured"


Times = Mapping[str, Mapping[str, Sequence[float]]]
"""Seconds by command and template, round by round."""


def simple_template(folder: Path, files: Path | None = None) -> Path:
    """Make a template of the file of answers and, if given, a folder's files, in two releases."""
    skeleton = folder / "template"
    if files:
        shutil.copytree(files, skeleton, symlinks=True)
        (skeleton / ".copier-answers.yml").unlink()
    skeleton.mkdir(parents=True, exist_ok=True)
    (skeleton / ANSWERS_FILE).write_text(ANSWERS, encoding="utf-8")
    settings = "_min_copier_version: '9'\n_subdirectory: template\n"
    (folder / "copier.yml").write_text(settings, encoding="utf-8")
    git(folder, "init", "--quiet")
    # The files have ignored ones among them, such as the settings of git itself.
    git(folder, "add", "--all", "--force")
    release(folder, BEFORE)
    release(folder, NEWEST)
    return folder


def this_template(folder: Path, source: Path = ROOT) -> Path:
    """Release the work tree twice; only the version differs."""
    stage(folder, BEFORE, source)
    release(folder, NEWEST)
    return folder


def seconds(*arguments: str) -> float:
    """Run Copier's command line and return how long it took.

    Raises:
        SystemExit: It failed.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "copier", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"copier {arguments[0]} {MEASURED}: {done.stderr.strip()}")
    return time.perf_counter() - began


def copy(template: Path, scratch: Path) -> float:
    """Copy a template into a new folder."""
    try:
        return seconds("copy", "--defaults", str(template), str(scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def update(project: Path, scratch: Path) -> float:
    """Update a copy of a committed project."""
    shutil.copytree(project, scratch)
    try:
        return seconds("update", "--defaults", str(scratch))
    finally:
        shutil.rmtree(scratch)


def measure(folder: Path, rounds: int, earlier: str | None) -> Times:
    """Time both commands on all templates in turn, after one round that does not count."""
    ours = this_template(folder / "ours")
    files = render(ours, folder / "files", version=BEFORE)
    same = simple_template(folder / "same files", files)
    templates = {"empty": simple_template(folder / "empty"), "same files": same, "ours": ours}
    if earlier:
        source = checked_out(folder / "source", earlier)
        templates["before"] = this_template(folder / "before", source)
    projects = {
        name: render(template, folder / "projects" / name, version=BEFORE)
        for name, template in templates.items()
    }
    for project in projects.values():
        commit(project, "First copy")
    jobs = {"copy": (copy, templates), "update": (update, projects)}
    found: dict[str, dict[str, list[float]]] = {
        job: {name: [] for name in jobs[job][1]} for job in jobs
    }
    for number in range(rounds + 1):
        for job, (run, subjects) in jobs.items():
            for name, subject in subjects.items():
                taken = run(subject, folder / "scratch")
                found[job][name].extend([taken] if number else [])
    return found


def renders_per_second(template: Path, rounds: int) -> float:
    """Return how many projects of the test matrix one process renders a second of processor time.

    The first pass over the matrix, in which the texts are compiled, does not count. Of the others,
    the fastest is taken.
    """
    fast, passes = FastCopier(), []
    with fast.active():
        for number in range(rounds + 1):
            rendered = template.with_name(f"{template.name}-{number}")  # deletions slow the disk
            began = os.times()
            for cell in CELLS:
                render(template, rendered / cell.name, cell.answers, version=NEWEST)
            taken = sum(os.times()[:4]) - sum(began[:4])
            passes.extend([taken] if number else [])
    fast.close()
    return len(CELLS) / min(passes)


def report(times: Times, renders: Mapping[str, float]) -> bool:
    """Print what was measured; return whether every aim is reached."""
    console = Console(highlight=False, soft_wrap=True)
    others = [name for name in times["copy"] if name != "ours"]
    table = Table("", *others, "ours", *(f"to {name}" for name in others), "aim")
    good = renders["ours"] >= RENDERS
    for job, by_name in times.items():
        medians = [f"{statistics.median(by_name[name]):.2f} s" for name in (*others, "ours")]
        ratios = {name: min(by_name["ours"]) / min(by_name[name]) for name in others}
        good &= ratios["same files"] < AIMS[job]
        table.add_row(job, *medians, *(f"{each:.2f}" for each in ratios.values()), f"< {AIMS[job]}")
    console.print(table)
    console.print("Medians of seconds; ratios of the minima; the aim is for that to same files.")
    for name, rate in renders.items():
        console.print(
            f"{name}: {rate:.1f} renders of the test matrix in a second of one core "
            f"(aim: {RENDERS:.0f})."
        )
    return good


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is timed (7)")
    parser.add_argument("--check", action="store_true", help="fail if an aim is missed")
    parser.add_argument("--before", metavar="COMMIT", help="time this template as it was, too")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be 1 or more")
    with TemporaryDirectory(prefix="copier-times-") as name:
        folder = Path(name)
        (folder / "settings.yml").write_text("{}\n", encoding="utf-8")
        os.environ |= SETTINGS | {"COPIER_SETTINGS_PATH": str(folder / "settings.yml")}
        times = measure(folder, arguments.rounds, arguments.before)
        passes = min(3, arguments.rounds)
        rated = [name for name in ("ours", "before") if name in times["copy"]]
        good = report(times, {name: renders_per_second(folder / name, passes) for name in rated})
    return 0 if good or not arguments.check else 1


if __name__ == "__main__":
    sys.exit(main())
