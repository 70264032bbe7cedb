"""`report`: write a page about a run: its curves, its worst errors, what changed, its settings."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

    from ..data import load_splits
    from ..evaluate import compute_outputs, load_run, measure
    from ..kit import report
    from ..kit.reproducibility import make_reproducible
    from ..task import decode

    config, model = load_run(chosen)
    splits: Any = load_splits(config.data)  # in an older project there are two parts
    samples = splits.val if hasattr(splits, "val") else splits.held_out
    targets = samples.targets if hasattr(samples, "targets") else {"label": samples.labels}
    make_reproducible(config.seed, config.threads)
    outputs = compute_outputs(model, samples)
    each = [(_row(outputs, at), _row(targets, at)) for at in range(len(samples))]
    losses = np.array([measure(*row)["loss"] for row in each])
    examples = []
    for at in np.argsort(-losses, kind="stable")[:count]:
        (answer,), right = decode(each[at][0]), _told(each[at][1])
        text = f"{right}, predicted {_told(answer)}\nloss {losses[at]:.3g}"
        examples.append((_shown(samples.inputs, at), text))
    return {**_confusions(outputs, targets), "Worst examples": report.gallery(examples)}


def _confusions(outputs: Arrays, targets: Arrays) -> dict[str, str]:
    """Return the confusion matrix, if the task decides for one of several classes."""
    import numpy as np

    from .. import task
    from ..kit import report

    names, decided = getattr(task, "CLASS_NAMES", ()), task.decide(outputs)
    labels, *others = targets.values()
    if not names or others or decided is None or np.shape(decided) != labels.shape:
        return {}
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, decided), 1)
    return {"Confusion matrix": report.matrix(counts, [*names], "label", "predicted")}


def _row(arrays: Arrays, at: int) -> dict[str, NDArray[Any]]:
    return {name: array[at : at + 1] for name, array in arrays.items()}


def _told(values: Mapping[str, Any]) -> str:
    """Return an answer or a target in a few words."""
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    import numpy as np

    numbers = np.asarray(value)
    if numbers.dtype.kind == "f":
        return " ".join(f"{number:.3g}" for number in numbers.ravel()[:64])
    return " ".join(str(each) for each in numbers.ravel()[:64])


def _shown(inputs: Arrays | NDArray[Any], at: int) -> str:
    """Return an input as an image, if the first is one of (1, H, W) or (3, H, W), or as numbers."""
    from ..kit import report

    rows = _row(inputs, at) if isinstance(inputs, Mapping) else {"": inputs[at : at + 1]}
    first = next(iter(rows.values()))[0]
    if first.ndim == 3 and first.shape[0] in (1, 3):
        return report.picture(first.squeeze(0) if len(first) == 1 else first.transpose(1, 2, 0))
    return _told(rows).strip()
