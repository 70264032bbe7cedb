r"""Compare training with several processes to training with one: the same model, data and batch.

    python benchmarks/processes.py [--rounds 5] [--processes 2] [--section.key VALUE ...]

Whole trainings of one project take turns: with one process, with ddp and with fsdp. Settings of the
project go to all of them. The ratios are medians over the rounds, of the images a second that each
training's record names and of the whole command's time, in which processes start as well. The
default is a model and a batch that are large enough for more than one core to matter; a small one
shows what speaking to each other costs:

    python benchmarks/processes.py --model.width 16 --training.batch_size 64

`--python` names an interpreter that has the project's packages; without it an environment is made.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from operator import truediv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from hooks.new_project import machine_answers
from tests.lifecycle.projects import Project
from tests.support.copier_runs import render, stage

DEFAULTS = ("--model.width", "128", "--training.batch_size", "256", "--training.epochs", "3")
DATA = "data/raw/images.npz"
REPEATED = """
import sys
from pathlib import Path
import numpy as np
from {package}.data import create
from {package}.kit import files

source, target, images = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
arrays = zip(("images", "labels"), files.read_arrays(source, "images", "labels"), strict=True)
longer = {{name: np.concatenate([each] * (images // len(each) + 1)) for name, each in arrays}}
files.write_arrays(target, {{name: each[:images] for name, each in longer.items()}})
create(target)  # describes what is there
"""


class Measured(NamedTuple):
    """One whole training."""

    images_per_second: float
    seconds: float


def ways(processes: int) -> dict[str, tuple[str, ...]]:
    """Return the arguments of each way, by its name; the others are set beside the first."""
    several = ("--processes", str(processes), "--training.strategy")
    return {
        "one process": (),
        f"{processes} processes, ddp": (*several, "ddp"),
        f"{processes} processes, fsdp": (*several, "fsdp"),
    }


class Trained:
    """A project that trains with several processes, and the interpreter of its environment."""

    def __init__(self, folder: Path, python: Path | None, images: int) -> None:
        chosen = {**machine_answers(), "scale_out": ["torchrun"]}
        self._project = Project(render(stage(folder / "template"), folder / "project", chosen))
        if python is None:
            self._project.make("setup")
        self._python = (python or self._project.python_path()).absolute()
        self._run("-m", self._project.package, "data")
        script = REPEATED.format(package=self._project.package)
        self._run("-c", script, "data/raw/digits.npz", DATA, str(images))

    def measure(self, arguments: Sequence[str]) -> Measured:
        """Train once."""
        began = time.perf_counter()
        printed = self._run("-m", self._project.package, "train", "--json", *arguments)
        seconds = time.perf_counter() - began
        return Measured(json.loads(printed)["samples_per_second"], seconds)

    def _run(self, *arguments: str) -> str:
        folder = self._project.folder
        return subprocess.run(
            [self._python, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout


def table_of(found: Mapping[str, Sequence[Measured]]) -> Table:
    """Return the medians of each way, and the medians of their ratios to the first one."""
    first, *_ = found.values()
    table = Table("training with", "images a second", "ratio", "whole command", "ratio")
    for name, rounds in found.items():
        cells = []
        for number, unit in enumerate(("", " s")):
            own, beside = ([each[number] for each in way] for way in (rounds, first))
            cells.append(f"{statistics.median(own):,.1f}{unit}")
            cells.append(f"{statistics.median(map(truediv, own, beside)):.2f}")
        table.add_row(name, *cells)
    return table


def main() -> int:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="trainings of each way (5)")
    parser.add_argument("--processes", type=int, default=2, help="beside one (2)")
    parser.add_argument("--images", type=int, default=6_000, help="of all splits (6000)")
    parser.add_argument("--python", type=Path, help="an interpreter with the project's packages")
    arguments, settings = parser.parse_known_args()
    found: dict[str, list[Measured]] = {}
    with TemporaryDirectory(prefix="processes-") as name:
        trained = Trained(Path(name), arguments.python, arguments.images)
        for _ in range(arguments.rounds):
            for way, how in ways(arguments.processes).items():
                measured = trained.measure([*how, "--data.path", DATA, *DEFAULTS, *settings])
                found.setdefault(way, []).append(measured)
    Console(highlight=False, soft_wrap=True).print(table_of(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
