"""Compare the runtimes that a framework's model can be run by in production.

    python benchmarks/runtimes.py [--training pytorch huggingface] [--rounds 5]

For each runtime a project is made, the same model trained, exported and checked to compute the
same, and the production environment installed. Measured there, round by round and runtime by
runtime, so that other work on the machine slows all of them: the time from the start of the
command to its first prediction, and predictions a second, one at a time and 32 at a time. Shown
are medians, and their ratios to `native`, the framework itself. Projects that generate text are
asked for answers of 32 tokens, to one prompt or to 32 at once. What an HTTP API asks is llama.cpp's
server, started before and on the same machine; size and packages are the client's alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from benchmarks.in_production import BATCHES, PROMPT
from hooks.new_project import machine_answers
from maintain import ROOT
from maintain.stack.data import load_frameworks
from tests.lifecycle.projects import Project
from tests.support.copier_runs import render, stage
from tests.support.llama_server import ask, llama_server
from tests.support.torch_index import with_torchvision

PRODUCTION = ".venv-prod"
REFERENCE = "native"
EVERY_RUNTIME = ["pytorch", "huggingface"]
"""Frameworks that go with all of them together."""
STEPS = ("setup", "data", "train", "export", "install-prod")
SECONDS = 2.0
ONE_IMAGE = "image.npy"
SAVE_ONE_IMAGE = "import numpy, sys; numpy.save(sys.argv[1], numpy.ones((1, 8, 8)))"
COMMAND = Path(__file__).with_name("in_production.py")


@dataclass
class Measured:
    """What was found about one runtime.

    Attributes:
        megabytes: Size of the production environment, in 10**6 bytes.
        distributions: Installed packages, the project's own among them.
        starts: Seconds to the first prediction, round by round.
        rates: Predictions or answers a second by how many at once, round by round.
    """

    megabytes: float
    distributions: int
    starts: list[float] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=lambda: {size: [] for size in BATCHES})


def made(template: Path, folder: Path, training: str, inference: str) -> Project:
    """Return a project with an exported model and the production environment."""
    answers = {**machine_answers(), "training": training, "inference": inference}
    if "torch_index" in answers:
        wheels = folder.with_name(f"{folder.name}-wheels")
        answers["torch_index"] = with_torchvision(answers["torch_index"], wheels)
    project = Project(render(template, folder, answers))
    for target in STEPS:
        project.make(target)
    if model_of(project):
        project.python("-c", SAVE_ONE_IMAGE, ONE_IMAGE, link=PRODUCTION)
    return project


def described(project: Project) -> Measured:
    """Return what can be told without running a model."""
    files = [path for path in (project.folder / PRODUCTION).resolve().rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files if not path.is_symlink())
    return Measured(size / 10**6, len(project.packages(link=PRODUCTION)))


def model_of(project: Project) -> str:
    """Return the exported model that predicts, or "" if the project generates text."""
    found = [path.parent for path in project.folder.glob("models/*/parity.npz")]
    return found[0].relative_to(project.folder).as_posix() if found else ""


def start(project: Project) -> float:
    """Return how long the command takes in a new process."""
    model = model_of(project)
    asked = ["predict", model, ONE_IMAGE] if model else ["generate", PROMPT, "--max-tokens", "1"]
    began = time.perf_counter()
    project.python("-m", project.package, *asked, link=PRODUCTION)
    return time.perf_counter() - began


def rates(project: Project) -> Mapping[int, float]:
    """Return the predictions or answers a second by how many at once."""
    arguments = (str(COMMAND), project.package, model_of(project), str(SECONDS))
    found = json.loads(project.python(*arguments, link=PRODUCTION))
    return {int(size): float(rate) for size, rate in found.items()}


def measure(projects: Mapping[str, Project], rounds: int) -> Mapping[str, Measured]:
    """Ask all runtimes in turn, after one round that does not count."""
    found = {name: described(project) for name, project in projects.items()}
    for number in track(range(rounds + 1), "measuring"):
        for name, project in projects.items():
            started, by_size = start(project), rates(project)
            if number:
                found[name].starts.append(started)
                for size, rate in by_size.items():
                    found[name].rates[size].append(rate)
    return found


def table_of(found: Mapping[str, Measured]) -> Table:
    """Return the table with the ratios to the framework itself."""
    columns = [f"a second, {size} at a time" for size in BATCHES]
    names = Column("runtime", no_wrap=True)
    table = Table(names, "size", "packages", "first prediction", *columns)
    reference = found[REFERENCE]
    for name, row in found.items():
        size = f"{row.megabytes:.0f} MB ({row.megabytes / reference.megabytes:.2f})"
        started = _with_ratio(row.starts, reference.starts, " s")
        asked = [_with_ratio(row.rates[size], reference.rates[size]) for size in BATCHES]
        table.add_row(name, size, str(row.distributions), started, *asked)
    return table


def _with_ratio(values: Sequence[float], of_reference: Sequence[float], unit: str = "") -> str:
    value = statistics.median(values)
    return f"{value:.3g}{unit} ({value / statistics.median(of_reference):.2f})"


@contextmanager
def servers(projects: Mapping[str, Project]) -> Iterator[None]:
    """Run what the projects ask that do not compute themselves, each one's own exported model."""
    with ExitStack() as running:
        for name, project in projects.items():
            if name == "http-api":
                (model,) = project.folder.glob("models/*/model.gguf")
                python = project.python_path()
                served = llama_server(python, model, model.parent.name, at_once=max(BATCHES))
                ask(project.folder, running.enter_context(served).url)
        yield


def compared(template: Path, training: str, runtimes: Sequence[str], rounds: int) -> Table:
    """Make the projects of one framework, measure, and return the table."""
    with TemporaryDirectory(prefix="runtimes-") as name:
        projects = {
            runtime: made(template, Path(name) / runtime, training, runtime)
            for runtime in track(runtimes, f"making projects of {training}")
        }
        with servers(projects):
            return table_of(measure(projects, rounds))


def main() -> int:
    """Measure and report."""
    trained = {row.framework: row for row in load_frameworks(ROOT / "stack")}
    del trained["none"]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument(
        "--training", choices=trained, nargs="+", default=EVERY_RUNTIME, help="the frameworks"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be 1 or more")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    console = Console(highlight=False, soft_wrap=True)
    with TemporaryDirectory(prefix="template-") as name:
        template = stage(Path(name) / "template")
        for training in arguments.training:
            runtimes = sorted(trained[training].inference, key=lambda name: name != REFERENCE)
            console.print(compared(template, training, runtimes, arguments.rounds))
            console.print(
                f"Medians; in brackets the ratio to {REFERENCE}. {training}, one CPU thread."
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
