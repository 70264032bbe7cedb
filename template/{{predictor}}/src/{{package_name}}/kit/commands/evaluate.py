# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`evaluate`: measure a trained model on the test samples, which chose nothing."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

HELP = "measure a run's model on the test samples"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which model is evaluated."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--last", action="store_true", help="the last epoch, not the best one")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate, write `evaluation.json` into the run and print a table."""
    from ...data import load_splits
    from ...evaluate import compute_outputs, load_run, measure
    from ...task import details
    from ..files import write_json
    from ..reporting import Reporter
    from ..reproducibility import make_reproducible
    from ..tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    config, model = load_run(chosen, last=args.last)
    epoch = chosen.epoch_of(last=args.last)
    splits = load_splits(config.data)
    make_reproducible(config.seed, config.threads)
    outputs, targets = compute_outputs(model, splits.test), splits.test.targets
    metrics = {"examples": len(splits.test), **measure(outputs, targets)}
    rows = details(outputs, targets)
    origin = {"run_id": chosen.id, "epoch": epoch, "data_sha256": splits.sha256}
    result = {**origin, **metrics, "details": rows}
    write_json(chosen.folder / "evaluation.json", result)
    reporter = Reporter(as_json=args.json)
    reporter.say(f"Run {chosen.id}, epoch {epoch}, on test data")
    reporter.finish(result, _table({**rows, "all": metrics}))
    return 0


def _table(rows: Mapping[str, Mapping[str, float]]) -> Table:
    """Return a line for every row; the last one has all columns."""
    from rich.table import Table

    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = Table("", *columns)
    for name, row in rows.items():
        table.add_row(name, *(f"{row[each]:.4g}" if each in row else "" for each in columns))
    return table
