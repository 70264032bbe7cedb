"""Train, and compare what the model reaches with what the team expects of it."""

from __future__ import annotations

import argparse

from envkeep.commands import project_tasks
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import EXPECTED, shown
from envkeep.process import say
from envkeep.training import baseline
from envkeep.training.baseline import Expected, Trained

HELP = (
    "train in a fresh copy and compare with configs/expected.toml; --accept writes what it reached"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--accept", action="store_true", help="write what it reached, as expected")


def run(arguments: argparse.Namespace) -> int:
    """Print the metrics beside what is expected of them.

    Raises:
        ToolError: One of them is too far from it.
    """
    wanted = baseline.expected()
    if wanted is None and not arguments.accept:
        say(f"{shown(EXPECTED)} is not there, so nothing is expected; --accept writes it.")
        return 0
    wanted = wanted or Expected()
    project_tasks.python_of(DEVELOPMENT)
    with baseline.copy_of_now() as folder:
        baseline.prepare(folder)
        trained = baseline.train(folder, wanted.arguments)
    if arguments.accept:
        baseline.write(wanted, trained)
        say(f"Wrote {shown(EXPECTED)}; commit it.")
        return 0
    _compare(wanted, trained)
    return 0


def _compare(wanted: Expected, trained: Trained) -> None:
    if not wanted.metrics:
        raise ToolError(f"{shown(EXPECTED)} names no metric; --accept writes them all.")
    for name, metric in wanted.metrics.items():
        value = trained.metrics.get(name)
        found = "is not there" if value is None else f"{value:.6g}"
        say(f"{name}: {found}, expected {metric.expected:.6g} +- {metric.tolerance:.6g}")
    far = [
        name for name, row in wanted.metrics.items() if not row.admits(trained.metrics.get(name))
    ]
    if far:
        raise ToolError(
            f"{', '.join(far)} differ from {shown(EXPECTED)} by more than the tolerance: find out "
            "why; if the change is meant, run `make regression ARGS=--accept` and commit."
        )
