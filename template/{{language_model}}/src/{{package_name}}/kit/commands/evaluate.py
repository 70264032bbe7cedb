# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`evaluate`: measure a trained model on the test part of the text, which chose nothing."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from ...evaluate import Evaluation

HELP = "measure a run's model on the test part of the text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which model is evaluated."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--last", action="store_true", help="the last epoch, not the best one")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate, write `evaluation.json` into the run and print a table."""
    from ...evaluate import evaluate, load_run
    from ..files import write_json
    from ..reporting import Reporter
    from ..tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    config, opened = load_run(chosen, last=args.last)
    evaluation = evaluate(config, opened)
    epoch = chosen.epoch_of(last=args.last)
    facts = {"run_id": chosen.id, "epoch": epoch, "data_sha256": chosen.facts["data_sha256"]}
    result = {**facts, **evaluation.to_json()}
    write_json(chosen.folder / "evaluation.json", result)
    reporter = Reporter(as_json=args.json)
    reporter.say(f"Run {chosen.id}, epoch {epoch}, {evaluation.tokens} tokens of the test part")
    reporter.finish(result, _table(evaluation))
    return 0


def _table(evaluation: Evaluation) -> Table:
    from rich.table import Table

    table = Table("what predicts", "loss", "perplexity")
    rows = {
        "the model before training": evaluation.loss_before,
        "how often a token occurs": evaluation.loss_of_frequencies,
        "the trained model": evaluation.loss,
    }
    for name, loss in rows.items():
        table.add_row(name, f"{loss:.4f}", f"{math.exp(loss):.2f}")
    return table
