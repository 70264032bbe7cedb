"""`report`: tables and figures of the recorded runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..kit.tracking import Run

HELP = "write tables and figures of the recorded runs"
FOLDER = Path("reports")
LEARNING_CURVES = "learning-curves.png"
CONFUSION_MATRIX = "confusion-matrix.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what is shown, and where it goes."""
    parser.add_argument("--run", metavar="RUN", help="whose confusions (default: newest finished)")
    parser.add_argument("--newest", type=int, default=5, help="runs in the curves (default: 5)")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder (default: reports)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Writes `runs.csv`, `runs.md`, `learning-curves.png` and `confusion-matrix.png`."""
    from ..figures import learning_curves
    from ..kit.errors import RunError
    from ..kit.files import write_text
    from ..kit.frames import metrics_frame, runs_frame
    from ..kit.reporting import Reporter
    from ..kit.tracking import find_run, list_runs, newest_finished

    if args.newest < 1:
        raise RunError("--newest must be at least 1.")
    chosen = find_run(args.run) if args.run else newest_finished()
    runs = list_runs()
    table = runs_frame(runs)
    names = ["run", "status", "epochs_done", *(chosen.facts["final_metrics"] or {}), "seconds"]
    shown = [run for run in runs if run.facts["epochs_done"]][: args.newest]
    figures = {LEARNING_CURVES: learning_curves(metrics_frame(shown, "epoch"))}
    confusions = _confusions(chosen)
    if confusions is not None:
        figures[CONFUSION_MATRIX] = confusions
    write_text(args.output / "runs.csv", table.to_csv(index=False, lineterminator="\n"))
    write_text(args.output / "runs.md", table[names].to_markdown(index=False) + "\n")
    (args.output / CONFUSION_MATRIX).unlink(missing_ok=True)  # of an earlier report
    for name, figure in figures.items():
        _save(figure, args.output / name)
    files = [(args.output / name).as_posix() for name in ("runs.csv", "runs.md", *figures)]
    result = {"run_id": chosen.id, "runs": len(runs), "files": files}
    reporter = Reporter(as_json=args.json)
    reporter.finish(result, f"{len(runs)} runs: {', '.join(files)}")
    if confusions is None:
        reporter.say(f"Left out: {CONFUSION_MATRIX}, as this model does not choose among classes.")
    return 0


def _confusions(chosen: Run) -> Figure | None:
    """Returns None for a model of another kind than one that chooses one class of several."""
    import numpy as np

    from .. import task

    names = getattr(task, "CLASS_NAMES", ())
    if not names:
        return None
    from ..data import load_splits
    from ..evaluate import compute_outputs, load_run
    from ..figures import confusion_matrix

    config, model = load_run(chosen)
    splits: Any = load_splits(config.data)  # in an older project there are two parts
    samples = splits.test if hasattr(splits, "test") else splits.held_out
    targets = samples.targets if hasattr(samples, "targets") else {"label": samples.labels}
    labels, decided = targets.get("label"), task.decide(compute_outputs(model, samples))
    if labels is None or labels.dtype.kind not in "iu" or np.shape(decided) != labels.shape:
        return None
    return confusion_matrix(labels, decided, names)


def _save(figure: Figure, path: Path) -> None:
    from ..kit.files import replacing

    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
