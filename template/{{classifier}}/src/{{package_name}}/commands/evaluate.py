"""`evaluate`: measure a trained model on the test images, which chose nothing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from ..evaluate import Evaluation

HELP = "measure a run's model on the test images"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which model is evaluated."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--last", action="store_true", help="the last epoch, not the best one")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate, write `evaluation.json` into the run and print a table."""
    from ..data import load_splits
    from ..evaluate import evaluate, load_run
    from ..kit.files import write_json
    from ..kit.reporting import Reporter
    from ..kit.reproducibility import make_reproducible
    from ..kit.tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    config, model = load_run(chosen, last=args.last)
    epoch = chosen.epoch_of(last=args.last)
    splits = load_splits(config.data)
    make_reproducible(config.seed, config.threads)
    evaluation = evaluate(model, splits.test)
    origin = {"run_id": chosen.id, "epoch": epoch, "data_sha256": splits.sha256}
    result = {**origin, **evaluation.to_json()}
    write_json(chosen.folder / "evaluation.json", result)
    reporter = Reporter(as_json=args.json)
    reporter.say(f"Run {chosen.id}, epoch {epoch}, mean test loss {evaluation.loss:.4f}")
    reporter.finish(result, _table(evaluation))
    return 0


def _table(evaluation: Evaluation) -> Table:
    from rich.table import Table

    table = Table("class", "images", "accuracy")
    for name, row in evaluation.per_class.items():
        table.add_row(name, str(row["images"]), f"{row['accuracy']:.4f}")
    table.add_section()
    table.add_row("all", str(evaluation.images), f"{evaluation.accuracy:.4f}")
    return table
