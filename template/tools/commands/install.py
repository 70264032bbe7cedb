# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make the environment for the locks and switch to it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .. import backends, generations, installing
from ..errors import ToolError
from ..generations import Generation, Kind
from ..installing import Contents
from ..locks import Locks
from ..managers import Manager
from ..paths import shown
from ..requirements import layers
from ..run import say

HELP = "make the environment that the locks describe, check it, then switch to it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options: none."""


def run(arguments: argparse.Namespace) -> int:
    """Install the development environment: every layer and the project, editable."""
    with generations.exclusive():
        install(generations.DEVELOPMENT, layers(), reason="make install")
    return 0


def install(
    kind: Kind, wanted: Sequence[str], *, reason: str, manager: Manager | None = None
) -> None:
    """Activate the environment for the locks; it is made and checked first if it is not there.

    Args:
        kind: What the environment is for, and what its name starts with.
        wanted: The layers that it holds.
        reason: The command that was given.
        manager: What makes and fills it; by default the project's package manager.

    Raises:
        ToolError: It could not be made; the active environment is as it was.
    """
    choice = backends.chosen()
    say(f"Backend {choice.target.backend}: {choice.reason}.")
    locks = Locks(choice.target)
    contents = Contents.of(locks, wanted)
    target = installing.described(kind, contents, reason)
    if not locks.are_fresh():
        say("note: the requirements are newer than these locks; `make lock` brings them in.")
    current = generations.active(kind)
    generations.require_free(kind.link)
    ready = installing.usable(kind, target, contents)
    if ready and current and ready.name == current.name:
        say(f"{shown(kind.link)} is up to date: {current.name} (Python {current.python}).")
        return
    if ready is None:
        say(f"Making the {target.kind} environment of {', '.join(wanted)}, Python {target.python}.")
        ready = _make(kind, target, contents, current, manager)
    generations.activate(kind, ready)
    say(f"{shown(kind.link)} -> {shown(ready.folder)}")


def _make(
    kind: Kind,
    target: Generation,
    contents: Contents,
    current: Generation | None,
    manager: Manager | None,
) -> Generation:
    try:
        return installing.make(kind, target, contents, manager)
    except ToolError as error:
        stays = f"{current.name} stays active" if current else "nothing was switched"
        reason = str(error).rstrip(".")
        raise ToolError(f"the new environment was not made, {stays}: {reason}.") from error
