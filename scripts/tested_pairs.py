"""Collect from test results which framework was run with which runtime, and write the page.

python scripts/tested_pairs.py [RESULTS.xml ...] [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from maintain import ROOT
from maintain.command_line import collect_or_check
from maintain.tested_pairs import collect

ABOUT = "Collect from test results which framework was run with which runtime, and write the page."


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command."""
    return collect_or_check(ABOUT, collect, arguments, root)


if __name__ == "__main__":
    sys.exit(main())
