"""The commands: every module here that has a ``HELP`` is one, found by its file name.

A command has ``HELP`` and ``ALIASES`` (names of before), each on one line so that a list of all
commands imports none of them, ``add_arguments(parser)`` and ``run(arguments)``. What ``run``
returns says what the command is: one that returns a ``Result`` reports, and has ``--json`` and
``--verbose``; one that returns an exit code hands over to a program, which prints by itself.
``SHOWS_COMMANDS = True``: the programs that it runs are shown, each in a line;
``SHOWS_PROGRAMS = True``: what they print too, as an image's build has a progress of its own.
``TAKES_THE_REST = True``: everything after the command's name goes to that program.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
HELP = re.compile(r'^HELP = "(?P<text>[^"\\]+)"$', re.MULTILINE)
ALIASES = re.compile(r"^ALIASES = \((?P<names>.+)\)$", re.MULTILINE)


class Listed(NamedTuple):
    """A command as listed.

    Attributes:
        name: What people type.
        module: The module under ``envkeep.commands``.
        help: What it does, in a line.
        aliases: Names of before, which still work.
    """

    name: str
    module: str
    help: str
    aliases: tuple[str, ...]


@cache
def listed() -> dict[str, Listed]:
    """Return all commands by name, in alphabetical order; none of them is imported."""
    found = (_read(path) for path in FOLDER.glob("*.py"))
    return {each.name: each for each in sorted(filter(None, found), key=lambda each: each.name)}


def find(name: str) -> Listed | None:
    """Return the command of a name or an alias, None if there is none."""
    for module in (name.replace("-", "_"), f"{name}_"):
        found = _read(FOLDER / f"{module}.py")
        if found and found.name == name:
            return found
    return next((each for each in listed().values() if name in each.aliases), None)


def _read(path: Path) -> Listed | None:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return None
    said = HELP.search(text)
    if not said:
        return None
    aliases = ALIASES.search(text)
    return Listed(
        path.stem.rstrip("_").replace("_", "-"),
        path.stem,
        said["text"],
        tuple(re.findall(r'"(.+?)"', aliases["names"])) if aliases else (),
    )
