# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""List the targets of makefiles with their help, grouped by the headings between them."""

from __future__ import annotations

import argparse
import re

from ..paths import ROOT

HELP = "list the targets of make"
TARGET = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*):.*?##\s*(?P<help>.+)$")
HEADING = re.compile(r"^# (?P<name>[A-Z]\w*)$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("makefiles", nargs="*", default=["Makefile"])


def run(arguments: argparse.Namespace) -> int:
    """Print one line per target; a makefile that only `include`s prints nothing."""
    for makefile in arguments.makefiles:
        for line in (ROOT / makefile).read_text(encoding="utf-8").splitlines():
            heading, target = HEADING.match(line), TARGET.match(line)
            if heading:
                print(f"\n{heading['name']}")
            elif target:
                print(f"  {target['name']:<14} {target['help']}")
    return 0
