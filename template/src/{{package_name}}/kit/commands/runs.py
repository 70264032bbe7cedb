# Owned by the template: every update rewrites this file. To change it: copy it to commands/.
"""`runs`: a table of all recorded runs, or some of them side by side."""

from __future__ import annotations

import argparse
import platform
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..reporting import Reporter

HELP = "list the recorded runs, newest first, or compare some of them"

_COLUMNS = (
    "run", "status", "epochs", "validation", "seed", "commit", "data", "lock", "seconds",
)  # fmt: skip


_ENDED_EARLY = ("interrupted", "terminated", "died")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is compared, and the output format."""
    parser.add_argument(
        "--compare",
        metavar="RUN",
        nargs="*",
        help="show what differs between these runs (default: the newest two that finished)",
    )
    parser.add_argument("--json", action="store_true", help="print the runs as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the runs."""
    from ..reporting import Reporter
    from ..tracking.compare import choose_runs, compare

    reporter = Reporter(as_json=args.json)
    if args.compare is None:
        return _list(reporter)
    comparison = compare(choose_runs(args.compare))
    reporter.finish(comparison.to_json(), comparison.to_table())
    return 0


def _list(reporter: Reporter) -> int:
    from rich.table import Table

    from ..tracking import list_runs, way_on

    runs = list_runs()
    table = Table(*_COLUMNS)
    for recorded in runs:
        table.add_row(*_row(recorded.facts))
    summary = table if runs else "No runs yet."
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
    """Return the status; that of a run on another machine is what it last said of itself."""
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
