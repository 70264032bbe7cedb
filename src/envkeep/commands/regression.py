"""Train, and compare the metrics with what the team expects."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from envkeep.commands import project_tasks
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import EXPECTED, shown
from envkeep.project import snapshot
from envkeep.result import Result
from envkeep.training import baseline
from envkeep.training import run as training
from envkeep.training.baseline import Baseline
from envkeep.training.run import Trained

HELP = "train and compare with configs/expected.toml; --accept writes what it reached"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--accept", action="store_true", help="write what it reached, as expected")


def run(arguments: argparse.Namespace) -> Result:
    """Return the metrics beside what is expected of them; it fails if one is too far from it.

    Raises:
        ToolError: No metric is expected.
    """
    wanted = baseline.load()
    if wanted is None and not arguments.accept:
        nothing = "is not there, so nothing is expected; --accept writes it."
        return Result({"metrics": {}}, [f"{shown(EXPECTED)} {nothing}"])
    wanted = wanted or Baseline()
    project_tasks.python_of(DEVELOPMENT)
    with snapshot.of_now() as folder:
        training.prepare(folder)
        trained = training.train(folder, wanted.arguments)
    if arguments.accept:
        baseline.write(wanted, trained.metrics)
        data = {"metrics": {name: {"value": value} for name, value in trained.metrics.items()}}
        return Result(data, [f"Wrote {shown(EXPECTED)}; commit it."])
    return _compared(wanted, trained)


def _compared(wanted: Baseline, trained: Trained) -> Result:
    if not wanted.metrics:
        raise ToolError(f"{shown(EXPECTED)} names no metric; --accept writes them all.")
    data, lines, far = {}, [], []
    for name, metric in wanted.metrics.items():
        value = trained.metrics.get(name)
        data[name] = {"value": value, **asdict(metric)}
        found = "is not there" if value is None else f"{value:.6g}"
        lines.append(f"{name}: {found}, expected {metric.expected:.6g} +- {metric.tolerance:.6g}")
        if not metric.admits(value):
            far.append(name)
    if not far:
        return Result({"metrics": data}, lines)
    return Result.failed(
        f"{', '.join(far)} differ from {shown(EXPECTED)} by more than the tolerance: find out why; "
        "if the change is meant, run `make regression ARGS=--accept` and commit.",
        {"metrics": data},
        lines,
    )
