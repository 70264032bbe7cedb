# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`export`: write a run's model for inference and prove that it answers the same."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from ..export import ExportRequest
    from ..tracking import Run

HELP = "export a run's model for inference, with a parity check"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which model is exported, and where to."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--last", action="store_true", help="the last epoch, not the best one")
    parser.add_argument("--output", type=Path, help="default: in models/, named after the example")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--precision", help="such as float32 (default), float16, int8, int4")
    group.add_argument(
        "--every-precision",
        action="store_true",
        help="export all that the runtime has, and compare what they cost and save",
    )


def run(args: argparse.Namespace) -> int:
    """Export and print the result of the parity check."""
    from ...data import EXAMPLE
    from ..export import export_model, precisions
    from ..reporting import Reporter
    from ..tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    reporter = Reporter(as_json=args.json)
    wanted = precisions() if args.every_precision else [args.precision or precisions()[0]]
    request, results = _request(chosen, last=args.last), []
    folder = args.output or Path("models", EXAMPLE.stem)
    for precision in wanted:
        output = _output(folder, precision, precisions()[0])
        if args.every_precision:
            reporter.say(f"Exporting in {precision}")
        report = export_model(request, output, precision)
        facts = {"precision": precision, "bytes": _size(output), **report.to_json()}
        results.append({"run_id": chosen.id, "model": str(output), **facts})
    if not args.json:
        places = len(request.reference.places)
        reporter.say(
            f"Compared at {places} places of the test part; the perplexity is of these alone, "
            "`evaluate` measures all of it."
        )
    reporter.finish(results if args.every_precision else results[0], _table(results))
    return 0


def _output(folder: Path, precision: str, full: str) -> Path:
    """Return where a precision goes: beside the full one, whose place `--output` says."""
    return folder if precision == full else folder.with_name(f"{folder.name}-{precision}")


def _size(folder: Path) -> int:
    """Return the bytes of the model itself, without what it is compared by."""
    from ..generation.parity import PARITY_FILE

    return sum(path.stat().st_size for path in folder.iterdir() if path.name != PARITY_FILE)


def _table(results: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(
        "model", "precision", "kB", "perplexity", "same likeliest", "difference", "same texts"
    )
    for row in results:
        table.add_row(
            row["model"],
            row["precision"],
            f"{row['bytes'] / 1000:.1f}",
            f"{row['perplexity']:.3f} (trained {row['reference_perplexity']:.3f})",
            f"{100 * row['agreement']:.1f} % of {row['places']}",
            f"{row['max_abs_difference']:.2g} (up to {row['tolerance']:.2g})",
            f"{row['equal_texts']} of {row['texts']}",
        )
    return table


def _request(chosen: Run, *, last: bool) -> ExportRequest:
    from ...data import load_texts
    from ...evaluate import load_run
    from ..export import ExportRequest
    from ..export.artifact import full_tolerance
    from ..reproducibility import make_reproducible
    from ..tracking import environment_facts, git_facts
    from ..training.reference import make_reference

    config, opened = load_run(chosen, last=last)
    texts = load_texts(config.data)
    make_reproducible(config.seed, config.threads)
    origin = {
        "run_id": chosen.id,
        "epoch": chosen.epoch_of(last=last),
        "data_sha256": texts.sha256,
        "lock_sha256": environment_facts()["lock_sha256"],
        **git_facts(),
    }
    return ExportRequest(
        model=opened.model,
        tokenizer=opened.tokenizer,
        reference=make_reference(opened.model, opened.tokenizer, texts.test, full_tolerance()),
        origin=origin,
    )
