"""`export`: writes a run's model for inference and proves that it answers the same."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..export import ExportRequest
    from ..tracking import Run

HELP = "export a run's model for inference, with a parity check"

DEFAULT_OUTPUT = Path("models/digits")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds which run is exported, and where to."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Exports and prints the result of the parity check."""
    from ..export import export_model
    from ..reporting import Reporter
    from ..tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    report = export_model(_request(chosen), args.output)
    result = {"run_id": chosen.id, "model": str(args.output), **report.to_json()}
    Reporter(as_json=args.json).finish(
        result,
        f"{args.output}: {report.images} images, accuracy {report.accuracy:.4f}, same classes, "
        f"largest logit difference {report.max_abs_difference:.3g}",
    )
    return 0


def _request(chosen: Run) -> ExportRequest:
    from ..data import load_splits
    from ..export import ExportRequest
    from ..inference import InputSchema
    from ..preprocessing import CLASS_NAMES, INPUT_NAME, INPUT_SHAPE, SCHEME
    from ..reproducibility import make_reproducible
    from ..tracking import environment_facts, git_facts
    from ..training.evaluate import compute_logits, load_run

    config, model = load_run(chosen)
    splits = load_splits(config.data)
    make_reproducible(config.seed, config.threads)
    origin = {
        "run_id": chosen.id,
        "data_sha256": splits.sha256,
        "lock_sha256": environment_facts()["lock_sha256"],
        **git_facts(),
    }
    return ExportRequest(
        model=model,
        options=config.model.model_dump(),
        input=InputSchema(INPUT_NAME, INPUT_SHAPE),
        class_names=CLASS_NAMES,
        preprocessing=SCHEME,
        inputs=splits.held_out.inputs,
        labels=splits.held_out.labels,
        logits=compute_logits(model, splits.held_out).numpy(),
        origin=origin,
    )
