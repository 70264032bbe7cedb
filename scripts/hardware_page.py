"""Write the page about hardware, docs/reference/hardware.md, from the stack's catalog.

    python scripts/hardware_page.py [--check]

Nothing on the page is written by hand: what is wrong on it is wrong in stack/*.yml.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from maintain import ROOT
from maintain.command_line import write_or_check
from maintain.hardware_page import render_files

ABOUT = "Write docs/reference/hardware.md."


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command."""
    return write_or_check("hardware_page", ABOUT, render_files, arguments, root)


if __name__ == "__main__":
    sys.exit(main())
