"""Show that the template works here: render, set up, train, evaluate, export, predict, test.

python scripts/demo.py [--dest build/demo] [--json FILE]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hooks.command_line import ended
from maintain import demo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; a failure becomes one sentence."""
    parser = argparse.ArgumentParser(description="Show that the template works on this machine.")
    parser.add_argument(
        "--dest", type=Path, default=demo.DEFAULT_PROJECT, help="folder of the project"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the summary there as well")
    options = parser.parse_args(arguments)
    project = options.dest.absolute()
    return ended(
        lambda: demo.show(project, options.json), lambda: f"what is done so far is in {project}."
    )


if __name__ == "__main__":
    sys.exit(main())
