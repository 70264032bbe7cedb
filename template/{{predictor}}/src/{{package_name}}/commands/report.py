"""`report`: write a page about a run: its curves, its worst errors, what changed, its settings."""

from __future__ import annotations

import argparse
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..kit.tracking import Run
    from ..task import Arrays

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

    from .. import evaluate
    from ..data import load_splits
    from ..kit import report
    from ..kit.reproducibility import make_reproducible
    from ..task import decode

    config, model = evaluate.load_run(chosen)
    splits: Any = load_splits(config.data)  # in an older project there are two parts
    samples = splits.val if hasattr(splits, "val") else splits.held_out
    targets = samples.targets if hasattr(samples, "targets") else {"label": samples.labels}
    make_reproducible(config.seed, config.threads)
    outputs = evaluate.compute_outputs(model, samples)
    sections = _confusions(outputs, targets)
    measure = getattr(evaluate, "measure", None)
    if measure is None:
        return {**sections, "Worst examples": "Left out: evaluate.py has no measure(...)."}
    answers, examples = decode(outputs), []
    losses = [_loss(measure, outputs, targets, at) for at in range(len(samples))]
    for at in np.argsort([-loss for loss in losses], kind="stable")[:count]:
        truth = {f"target {name}": _short(array[at]) for name, array in targets.items()}
        answer = {name: _short(value) for name, value in answers[at].items()}
        said = "\n".join(f"{name}: {value}" for name, value in [*truth.items(), *answer.items()])
        examples.append((_shown(samples.inputs, at), f"{said}\nloss: {losses[at]:.3g}"))
    return {**sections, "Worst examples": report.gallery(examples)}


def _loss(measure: Any, outputs: Arrays, targets: Arrays, at: int) -> float:
    """Return the loss of one sample alone."""
    one = [
        {name: array[at : at + 1] for name, array in each.items()} for each in (outputs, targets)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of metrics that one sample is too few for
        return float(measure(*one)["loss"])


def _confusions(outputs: Arrays, targets: Arrays) -> dict[str, str]:
    """Return the confusion matrix, if the task decides for one class of several."""
    import numpy as np

    from .. import task
    from ..kit import report

    names, decided = getattr(task, "CLASS_NAMES", ()), task.decide(outputs)
    labels = targets.get("label")
    if not names or labels is None or labels.dtype.kind not in "iu":
        return {}
    if np.shape(decided) != labels.shape:
        return {}
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, decided), 1)
    return {"Confusion matrix": report.matrix(counts, [*map(str, names)], "label", "predicted")}


def _shown(inputs: Arrays, at: int) -> str:
    """Return the inputs of a sample: images of (1, H, W) or (3, H, W), all others as text."""
    from ..kit import report

    parts = []
    for name, array in inputs.items():
        values = array[at]
        if values.ndim == 3 and values.shape[0] in (1, 3):
            gray = values.shape[0] == 1
            parts.append(report.picture(values[0] if gray else values.transpose(1, 2, 0), name))
        else:
            parts.append(report.as_html(f"{name}: {_short(values)} "))
    return report.Html("".join(f"<div>{part}</div>" for part in parts))


def _short(value: Any) -> str:
    """Return a value in some sixty characters."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return textwrap.shorten(str(value), 60, placeholder=" ...")
