"""Collect from test results what was proved on which hardware, and write the page about it.

python scripts/tested_on.py [RESULTS.xml ...] [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from maintain import ROOT
from maintain.command_line import collect_or_check
from maintain.tested_on import collect

ABOUT = "Collect from test results what was proved on which hardware, and write the page about it."


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command."""
    return collect_or_check(ABOUT, collect, arguments, root)


if __name__ == "__main__":
    sys.exit(main())
