"""Write what follows from the table of owners, ownership/*.yml.

    python scripts/ownership.py [--check]

These are hidden questions and Copier's settings (questions/90-made-from-ownership.yml), the page
about owners (docs/reference/owners.md) and the table as projects read it
(template/requirements/stack/owners.json.jinja).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from maintain import ROOT
from maintain.command_line import write_or_check
from maintain.ownership.render import render_files

ABOUT = "Write what follows from ownership/*.yml."


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command."""
    return write_or_check("ownership", ABOUT, render_files, arguments, root)


if __name__ == "__main__":
    sys.exit(main())
