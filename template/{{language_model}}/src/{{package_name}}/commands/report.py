"""`report`: write a page about a run. Which sections it has is yours to change."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..kit.tracking import Run

HELP = "write an HTML page about a run: curves, worst examples, settings"
_DARKEST = 10.0  # nats; the loss of a token that is as dark as it gets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run is reported on, and where the page goes."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--worst", type=int, default=6, help="examples (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="default: report.html in the run's folder")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from ..kit import report
    from ..kit.errors import ProjectError
    from ..kit.tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    try:
        worst: str = _worst(chosen, max(args.worst, 0))
    except ProjectError as error:  # such as a run without a checkpoint; the rest is still worth it
        worst = str(error)
    sections = {
        "Result": report.result(chosen),
        "Learning curves": report.curves(chosen),
        "Worst examples": worst,
        "Compared with the run before": report.comparison(chosen),
        "Settings": report.settings(chosen),
        "Facts": report.facts(chosen),
    }
    report.write(chosen, sections, args.output, as_json=args.json)
    return 0


def _worst(chosen: Run, count: int) -> str:
    """Return the validation examples that the best epoch's model predicts worst.

    Not of the test part: what is changed after a look at errors was chosen by them.
    """
    import numpy as np

    from ..data import load_texts
    from ..evaluate import load_run, token_losses
    from ..kit import report
    from ..kit.reproducibility import make_reproducible
    from ..train import blocks_of

    config, opened = load_run(chosen)
    make_reproducible(config.seed, config.threads)
    text = load_texts(config.data).val
    blocks = blocks_of(text, opened.tokenizer, config.data.block_size)["input_ids"]
    losses = token_losses(opened.model, blocks, config.training.batch_size)
    means = losses.mean(axis=1)
    examples = []
    for at in np.argsort(-means, kind="stable")[:count]:
        tokens = [opened.tokenizer.decode([token]) for token in blocks[at]]
        shades = [0.0, *(losses[at] / _DARKEST)]  # nothing predicts the first token
        caption = f"loss {means[at]:.3g} nats a token; the darker, the less expected"
        examples.append((report.shaded(tokens, shades), caption))
    return report.gallery(examples)
