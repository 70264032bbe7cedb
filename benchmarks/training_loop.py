r"""Compare the training loop of a PyTorch project with a bare loop: the same model, data and bits.

    python benchmarks/training_loop.py [--pairs 30] [--check] [--training.precision bf16 ...]

Both loops take turns, epoch by epoch, in one process of the project's environment, so that other
work on the machine slows both; `benchmarks/in_training.py` has the bare one. The ratios are medians
of all pairs. Settings of the project go to both. On a GPU:

    python benchmarks/training_loop.py --training.device auto --training.precision bf16 \
        --training.compile true --training.batch_size 1024 --model.width 256

`--python` names an interpreter that has the project's packages; without it an environment is made.
`--check` fails where the aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from operator import truediv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from hooks.new_project import machine_answers
from tests.lifecycle.projects import Project
from tests.support.copier_runs import render, stage

AIM = 1.05
"""Times that the project's loop may take of what the bare one takes."""
LOOPS = ("own", "bare")
COUNTED = ("clock", "processor")
COMMAND = Path(__file__).with_name("in_training.py")


def made(folder: Path) -> Project:
    """Return a new project with the defaults, which train with PyTorch."""
    return Project(render(stage(folder / "template"), folder / "project", machine_answers()))


def measured(project: Project, python: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """Return what the command in the project's environment found."""
    done = subprocess.run(
        [python, COMMAND, project.package, *arguments],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": "src"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ratios_of(found: Mapping[str, Any], number: int) -> list[float]:
    """Return the quartiles of what an epoch of the own loop took of what a bare one took."""
    own, bare = ([times[number] for times in found[loop]] for loop in LOOPS)
    return statistics.quantiles(map(truediv, own, bare), n=4)


def table_of(found: Mapping[str, Any], ratios: Mapping[str, list[float]]) -> Table:
    """Return the times of an epoch, and their ratios."""
    table = Table("an epoch", "own loop", "bare loop", "ratio", "of half the pairs")
    for number, (name, (low, ratio, high)) in enumerate(ratios.items()):
        seconds = [statistics.median(times[number] for times in found[loop]) for loop in LOOPS]
        shown = [f"{each:.3f} s" for each in seconds]
        table.add_row(f"by the {name}", *shown, f"{ratio:.3f}", f"{low:.3f} to {high:.3f}")
    return table


def main() -> int:
    """Measure, and print the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=30, help="epochs of each loop (30)")
    parser.add_argument("--images", type=int, default=12_000, help="of all splits (12000)")
    parser.add_argument("--python", type=Path, help="an interpreter with the project's packages")
    parser.add_argument("--check", action="store_true", help="fail where the aim is missed")
    arguments, settings = parser.parse_known_args()
    with TemporaryDirectory(prefix="training-loop-") as name:
        project = made(Path(name))
        if arguments.python is None:
            project.make("setup")
        python = arguments.python or project.python_path()
        counts = [str(arguments.pairs), str(arguments.images)]
        found = measured(project, python.absolute(), [*counts, *settings])
    ratios = {name: ratios_of(found, number) for number, name in enumerate(COUNTED)}
    console = Console(highlight=False, soft_wrap=True)
    console.print(table_of(found, ratios))
    same = "the same" if found["same_weights"] else "other"
    console.print(f"Medians. Both made {same} weights. The aim is {AIM} at most by the clock.")
    late = ratios["clock"][1] > AIM
    return 1 if arguments.check and late else 0


if __name__ == "__main__":
    sys.exit(main())
