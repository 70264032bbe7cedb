# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`quantize`: tell what linear layers in 8 and 4 bits cost in metrics and save in memory."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

HELP = "compare a run's model in 8 and 4 bits with full precision, on the test samples"
FULL = "float32"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run is measured, and where."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--device", help="where it computes (default: training.device of the run)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure, write `quantization.json` into the run and print a table."""
    import numpy as np

    from ...data import load_splits
    from ...evaluate import compute_outputs, load_run
    from ...task import decide, metrics
    from ..files import write_json
    from ..quantization import PRECISIONS, bytes_of, quantize_linear_layers
    from ..reporting import Reporter
    from ..reproducibility import choose_device, make_reproducible
    from ..tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    config, _ = load_run(chosen)
    splits: Any = load_splits(config.data)  # in an older project there are two parts
    samples = splits.test if hasattr(splits, "test") else splits.held_out
    targets = samples.targets if hasattr(samples, "targets") else {"label": samples.labels}
    make_reproducible(config.seed, config.threads)
    device = choose_device(args.device or config.training.device, "the device")
    rows: list[dict[str, Any]] = []
    full: Any = None
    for precision in (FULL, *PRECISIONS):
        _, model = load_run(chosen)
        layers = 0 if precision == FULL else quantize_linear_layers(model, precision)
        model = model.to(device)
        outputs = compute_outputs(model, samples)
        decided = decide(outputs)
        full = decided if precision == FULL else full
        rows.append(
            {
                "precision": precision,
                "layers": layers,
                "metrics": metrics(outputs, targets),
                "other_decisions": int(np.sum(decided != full)),
                "bytes": bytes_of(model),
            }
        )
    result = {"run_id": chosen.id, "examples": len(samples), "device": str(device), "rows": rows}
    write_json(chosen.folder / "quantization.json", result)
    Reporter(as_json=args.json).finish(result, _table(rows))
    return 0


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    names = list(rows[0]["metrics"])
    table = Table("precision", "layers", *names, "other decisions", "KiB", "of full")
    for row in rows:
        table.add_row(
            row["precision"],
            str(row["layers"]),
            *(f"{row['metrics'][name]:.4f}" for name in names),
            str(row["other_decisions"]),
            f"{row['bytes'] / 1024:.1f}",
            f"{100 * row['bytes'] / rows[0]['bytes']:.0f} %",
        )
    return table
