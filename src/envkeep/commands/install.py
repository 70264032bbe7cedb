"""Make the environment for the locks and switch to it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from envkeep.environments import build, smoke_tests, store
from envkeep.environments.build import Contents
from envkeep.environments.managers import Manager
from envkeep.environments.store import Generation, Kind
from envkeep.errors import ToolError
from envkeep.locks import failures
from envkeep.locks.lock_set import Locks
from envkeep.paths import shown
from envkeep.process import say
from envkeep.progress import logged
from envkeep.project import former_tools
from envkeep.project import target as backends
from envkeep.project.requirements import layers

HELP = "make the environment that the locks describe, check it, then switch to it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Install the development environment: every layer and the project, editable."""
    former_tools.remove_crossing()
    with store.exclusive():
        install(
            store.DEVELOPMENT,
            layers(),
            reason="make install",
            smoke_test=arguments.smoke_test,
        )
    return 0


def install(
    kind: Kind,
    wanted: Sequence[str],
    *,
    reason: str,
    manager: Manager | None = None,
    smoke_test: bool = True,
) -> None:
    """Activate the environment for the locks; it is made and checked first if it is not there.

    Args:
        kind: What the environment is for, and what its name starts with.
        wanted: The layers that it holds.
        reason: The command that was given.
        manager: What makes and fills it; by default the project's package manager.
        smoke_test: Whether the project's smoke test judges it.

    Raises:
        ToolError: It could not be made; the active environment is as it was.
    """
    choice = backends.chosen()
    say(f"Backend {choice.target.backend}: {choice.reason}.")
    locks = Locks(choice.target)
    contents = Contents.of(locks, wanted)
    target = build.described(kind, contents, reason)
    if not locks.are_fresh():
        say("note: the requirements are newer than these locks; `make lock` brings them in.")
    current = store.active(kind)
    store.require_free(kind.link)
    ready = build.usable(kind, target, contents)
    if ready and current and ready.name == current.name:
        say(f"{shown(kind.link)} is up to date: {current.name} (Python {current.python}).")
        return
    if ready is None:
        say(f"Making the {target.kind} environment of {', '.join(wanted)}, Python {target.python}.")
        ready = _make(kind, target, contents, current, manager, smoke_test=smoke_test)
    store.activate(kind, ready)
    say(f"{shown(kind.link)} -> {shown(ready.folder)}")


def _make(
    kind: Kind,
    target: Generation,
    contents: Contents,
    current: Generation | None,
    manager: Manager | None,
    *,
    smoke_test: bool,
) -> Generation:
    command = target.reason.removeprefix("make ").partition(":")[0]
    try:
        with logged(command, shows_commands=True):
            return build.make(kind, target, contents, manager, smoke_test=smoke_test)
    except ToolError as error:
        stays = f"{current.name} stays active" if current else "nothing was switched"
        reason = failures.of_install(error)
        raise ToolError(f"the new environment was not made, {stays}: {reason}.") from error
