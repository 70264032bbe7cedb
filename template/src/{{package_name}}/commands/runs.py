"""`runs`: a table of all recorded runs."""

from __future__ import annotations

import argparse
import platform
from typing import Any

HELP = "list the recorded runs, newest first"

_COLUMNS = (
    "run", "status", "epochs", "validation", "seed", "commit", "data", "lock", "seconds",
)  # fmt: skip


_ENDED_EARLY = ("interrupted", "terminated", "died")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the output format."""
    parser.add_argument("--json", action="store_true", help="print the runs as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the runs."""
    from rich.table import Table

    from ..reporting import Reporter
    from ..tracking import list_runs, way_on

    runs = list_runs()
    table = Table(*_COLUMNS)
    for recorded in runs:
        table.add_row(*_row(recorded.facts))
    summary = table if runs else "No runs yet."
    reporter = Reporter(as_json=args.json)
    reporter.finish([recorded.facts for recorded in runs], summary)
    if runs and runs[0].status in _ENDED_EARLY:
        reporter.say(way_on(runs[0].facts))
    return 0


def _row(facts: dict[str, Any]) -> list[str]:
    commit = _short(facts.get("git_commit")) + ("+dirty" if facts.get("git_dirty") else "")
    return [
        facts["run_id"],
        _status(facts),
        f"{facts.get('epochs_done')}/{facts.get('epochs')}",
        _metric(facts),
        str(facts.get("seed")),
        commit,
        _short(facts.get("data_sha256")),
        _short(facts.get("lock_sha256")),
        f"{facts['seconds']:.1f}",
    ]


def _status(facts: dict[str, Any]) -> str:
    """Returns the status; that of a run on another machine is what it last said of itself."""
    host = (facts.get("process") or {}).get("host")
    elsewhere = facts["status"] == "running" and host not in (None, platform.node())
    return f"running (on {host})" if elsewhere else str(facts["status"])


def _metric(facts: dict[str, Any]) -> str:
    """Return the last metric of the best epoch, or of the last one where none was chosen."""
    best = facts.get("best")
    metrics = best["metrics"] if best else facts.get("final_metrics") or {}
    for name, value in reversed(metrics.items()):
        short = name.removeprefix("val_").removeprefix("held_out_")
        return f"{short} {value:.4f}" + (f" (epoch {best['epoch']})" if best else "")
    return "-"


def _short(digest: str | None) -> str:
    return digest[:8] if digest else "-"
