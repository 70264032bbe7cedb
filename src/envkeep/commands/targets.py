"""List the targets of makefiles with their help, grouped by the headings between them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from envkeep.errors import ToolError
from envkeep.paths import ROOT, shown

MAKEFILE = "Makefile"
HELP = "list the targets of make"
TARGET = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*):.*?##\s*(?P<help>.+)$")
HEADING = re.compile(r"^# (?P<name>[A-Z]\w*)$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("makefiles", nargs="*", help="by default the template's Makefile")


def run(arguments: argparse.Namespace) -> int:
    """Print one line per target; a makefile that only `include`s prints nothing.

    Raises:
        ToolError: A makefile cannot be read.
    """
    for makefile in arguments.makefiles or [MAKEFILE]:
        for line in _lines(ROOT / makefile):
            heading, target = HEADING.match(line), TARGET.match(line)
            if heading:
                print(f"\n{heading['name']}")
            elif target:
                print(f"  {target['name']:<14} {target['help']}")
    if not arguments.makefiles:
        print("\nEach is `make NAME ARGS=...` or, without make, `python keep.py NAME ...`.")
    return 0


def _lines(makefile: Path) -> list[str]:
    try:
        return makefile.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(
            f"{shown(makefile)} cannot be read ({error}); `python keep.py --help` lists commands."
        ) from error
