"""Write what follows from the catalog of hardware: its page, and which GPUs a build serves.

    python scripts/hardware_page.py [--check]

These are docs/reference/hardware.md and stack/served_generations.yml, which the questions read.
Nothing in them is written by hand: what is wrong there is wrong in stack/*.yml.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from maintain import ROOT
from maintain.command_line import write_or_check
from maintain.hardware_page import render_files

ABOUT = "Write docs/reference/hardware.md and stack/served_generations.yml."


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command."""
    return write_or_check("hardware_page", ABOUT, render_files, arguments, root)


if __name__ == "__main__":
    sys.exit(main())
