"""`report`: write a page about a run: its curves, its worst errors, what changed, its settings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..kit.tracking import Run

HELP = "write an HTML page about a run: curves, confusions, worst examples, settings"
PAGE = "report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run is reported on, and where the page goes."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--worst", type=int, default=12, help="examples (default: %(default)s)")
    parser.add_argument("--output", type=Path, help=f"default: {PAGE} in the run's folder")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from ..kit import report
    from ..kit.errors import ProjectError
    from ..kit.files import write_text
    from ..kit.reporting import Reporter
    from ..kit.tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    try:
        errors = _errors(chosen, max(args.worst, 0))
    except ProjectError as error:  # such as a run without a checkpoint; the rest is still worth it
        errors = {"Worst examples": str(error)}
    sections = {
        "Result": report.result(chosen),
        "Learning curves": report.curves(chosen),
        **errors,
        "Compared with the run before": report.comparison(chosen),
        "Settings": report.settings(chosen),
        "Facts": report.facts(chosen),
    }
    path = args.output or chosen.folder / PAGE
    write_text(path, report.page(f"Run {chosen.id}", sections))
    result = {"run_id": chosen.id, "page": path.as_posix(), "sections": list(sections)}
    Reporter(as_json=args.json).finish(result, f"Open {path.as_posix()} in a browser.")
    return 0


def _errors(chosen: Run, count: int) -> dict[str, str]:
    """Return what the best epoch's model got wrong among the validation samples.

    Not among the test samples: what is changed after a look at errors was chosen by them.
    """
    import numpy as np

    from .. import preprocessing
    from ..data import load_splits
    from ..evaluate import compute_logits, load_run
    from ..kit import report
    from ..kit.reproducibility import make_reproducible

    config, model = load_run(chosen)
    splits: Any = load_splits(config.data)  # in an older project there are two parts
    samples = splits.val if hasattr(splits, "val") else splits.held_out
    make_reproducible(config.seed, config.threads)
    labels, outputs = np.asarray(samples.labels), np.asarray(compute_logits(model, samples))
    names = [str(name) for name in getattr(preprocessing, "CLASS_NAMES", ())]
    if labels.dtype.kind in "iu" and outputs.shape == (len(labels), len(names)):
        sections, losses, captions = _classes(labels, outputs, names)
    elif labels.size == outputs.size:
        differences = outputs.reshape(len(labels), -1) - labels.reshape(len(labels), -1)
        sections, losses = {}, (differences**2).mean(axis=1)
        captions = [
            f"label {label}, predicted {output}"
            for label, output in zip(labels, outputs, strict=True)
        ]
    else:
        return {"Worst examples": "What is wrong with an output is not known: say it in report.py."}
    worst = np.argsort(-losses, kind="stable")[:count]
    examples = [
        (_shown(samples.inputs[at]), f"{captions[at]}\nloss {losses[at]:.3g}") for at in worst
    ]
    return {**sections, "Worst examples": report.gallery(examples)}


def _classes(
    labels: NDArray[Any], logits: NDArray[Any], names: list[str]
) -> tuple[dict[str, str], NDArray[Any], list[str]]:
    """Return the confusion matrix, the loss of each sample, and what is said of it."""
    import numpy as np

    from ..kit import report

    predicted = logits.argmax(axis=1)
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, predicted), 1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    captions = [
        f"label {names[label]}, predicted {names[best]} ({100 * np.exp(shares[best]):.0f} %)"
        for label, best, shares in zip(labels, predicted, log_shares, strict=True)
    ]
    matrix = report.matrix(counts, names, "label", "predicted")
    return {"Confusion matrix": matrix}, -log_shares[np.arange(len(labels)), labels], captions


def _shown(inputs: NDArray[Any]) -> str:
    """Return an input as an image, if it is one of (1, H, W) or (3, H, W), or as numbers."""
    from ..kit import report

    if inputs.ndim == 3 and inputs.shape[0] in (1, 3):
        return report.picture(inputs.squeeze(0) if len(inputs) == 1 else inputs.transpose(1, 2, 0))
    return " ".join(f"{number:.4g}" for number in inputs.ravel()[:64])
