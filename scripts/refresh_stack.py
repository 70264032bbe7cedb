"""Resolve the stack release again: rewrite its constraints and tools, check its catalog.

    python scripts/refresh_stack.py [--cutoff YYYY-MM-DD] [--torch X.Y.Z] [--keep] [--check]

maintain/stack/refresh.py says what it does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date

from packaging.version import InvalidVersion, Version

from maintain import ROOT
from maintain.stack.data import StackError
from maintain.stack.refresh import refresh
from maintain.stack.report import Reporter

STACK = ROOT / "stack"


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD") from None


def _release_of_torch(text: str) -> str:
    try:
        version = Version(text)
    except InvalidVersion:
        raise argparse.ArgumentTypeError(f"{text!r} is no version; write X.Y.Z") from None
    if version.is_prerelease or version.local:
        raise argparse.ArgumentTypeError(f"{text!r} is no final release without a label")
    return str(version)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 when all is well, 1 when `--check` found a difference, 2 after a failure.
    """
    parser = argparse.ArgumentParser(description="Resolve the stack release again.")
    parser.add_argument("--cutoff", type=_day, help="last day of uploads (YYYY-MM-DD)")
    parser.add_argument("--torch", type=_release_of_torch, help="version of torch (X.Y.Z)")
    parser.add_argument("--keep", action="store_true", help="move no pin that still fits")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if files differ")
    options = parser.parse_args(arguments)
    given = {"cutoff": options.cutoff, "torch": options.torch}
    values = {key: value for key, value in given.items() if value}
    try:
        up_to_date = refresh(
            STACK, Reporter(), values=values, check=options.check, keep=options.keep
        )
    except StackError as error:
        print(f"refresh_stack: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("refresh_stack: stopped before it was done; run it again.", file=sys.stderr)
        return 130
    if options.check and not up_to_date:
        print("refresh_stack: the files differ; run scripts/refresh_stack.py.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
