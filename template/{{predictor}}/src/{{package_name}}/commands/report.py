"""`report`: write a page about a run. Which sections it has is yours to change."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write an HTML page about a run: curves, confusions, worst examples, settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run is reported on, and where the page goes."""
    parser.add_argument("--run", metavar="RUN", help="id or part of it (default: newest finished)")
    parser.add_argument("--worst", type=int, default=12, help="examples (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="default: report.html in the run's folder")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from ..kit import report
    from ..kit.tracking import find_run, newest_finished

    chosen = find_run(args.run) if args.run else newest_finished()
    sections = {
        "Result": report.result(chosen),
        "Learning curves": report.curves(chosen),
        **report.mistakes(chosen, args.worst),
        "Compared with the run before": report.comparison(chosen),
        "Settings": report.settings(chosen),
        "Facts": report.facts(chosen),
    }
    report.write(chosen, sections, args.output, as_json=args.json)
    return 0
