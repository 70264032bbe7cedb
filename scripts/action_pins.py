"""Write the releases of actions and the machines of the stack into this repository's workflows.

python scripts/action_pins.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from maintain import ROOT
from maintain.action_pins import pinned_workflows
from maintain.command_line import write_or_check

ABOUT = "Pin the actions of this repository's workflows."


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command."""
    return write_or_check("action_pins", ABOUT, pinned_workflows, arguments, root)


if __name__ == "__main__":
    sys.exit(main())
