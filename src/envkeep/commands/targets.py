"""List the targets of makefiles with their help, grouped by the headings between them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from envkeep import commands
from envkeep.errors import ToolError
from envkeep.paths import ROOT, shown
from envkeep.result import Result

MAKEFILE = "Makefile"
HELP = "list the targets of make"
TARGET = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*):.*?##\s*(?P<help>.*)$")
HEADING = re.compile(r"^# (?P<name>[A-Z]\w*)$")
FOOTER = (
    "Each is `make NAME ARGS=...` or, without make, `python keep.py NAME ...`; --help says more."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("makefiles", nargs="*", help="by default the template's Makefile")


def run(arguments: argparse.Namespace) -> Result:
    """Return one line per target; a makefile that only ``include``s has none.

    Raises:
        ToolError: A makefile cannot be read.
    """
    data: list[dict[str, str]] = []
    lines: list[str] = []
    group = ""
    for makefile in arguments.makefiles or [MAKEFILE]:
        for line in _lines(ROOT / makefile):
            heading, target = HEADING.match(line), TARGET.match(line)
            if heading:
                group = heading["name"]
                lines += ["", group]
            elif target:
                text = target["help"] or help_of(target["name"])
                data.append({"name": target["name"], "group": group, "help": text})
                lines.append(f"  {target['name']:<14} {text}".rstrip())
    return Result(data, lines if arguments.makefiles else [*lines, "", FOOTER])


def help_of(name: str) -> str:
    """Return what the command of a name does, one of envkeep or of the project's package."""
    found = commands.find(name)
    if found:
        return found.help
    from envkeep.project import own_commands  # not needed by most makefiles, and slower to import

    return own_commands.help_of(name)


def _lines(makefile: Path) -> list[str]:
    try:
        return makefile.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(
            f"{shown(makefile)} cannot be read ({error}); `python keep.py --help` lists commands."
        ) from error
