"""`runs`: a table of all recorded runs."""

from __future__ import annotations

import argparse
from typing import Any

HELP = "list the recorded runs, newest first"

_COLUMNS = (
    "run", "status", "epochs", "held out", "seed", "commit", "data", "lock", "seconds",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the output format."""
    parser.add_argument("--json", action="store_true", help="print the runs as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the runs."""
    from rich.table import Table

    from ..reporting import Reporter
    from ..tracking import list_runs

    runs = list_runs()
    table = Table(*_COLUMNS)
    for recorded in runs:
        table.add_row(*_row(recorded.facts))
    summary = table if runs else "No runs yet."
    Reporter(as_json=args.json).finish([recorded.facts for recorded in runs], summary)
    return 0


def _row(facts: dict[str, Any]) -> list[str]:
    commit = _short(facts.get("git_commit")) + ("+dirty" if facts.get("git_dirty") else "")
    return [
        facts["run_id"],
        facts["status"],
        f"{facts.get('epochs_done')}/{facts.get('epochs')}",
        _last_metric(facts.get("final_metrics") or {}),
        str(facts.get("seed")),
        commit,
        _short(facts.get("data_sha256")),
        _short(facts.get("lock_sha256")),
        f"{facts['seconds']:.1f}",
    ]


def _last_metric(metrics: dict[str, float]) -> str:
    for name, value in reversed(metrics.items()):
        return f"{name.removeprefix('held_out_')} {value:.4f}"
    return "-"


def _short(digest: str | None) -> str:
    return digest[:8] if digest else "-"
