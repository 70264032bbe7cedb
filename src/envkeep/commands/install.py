"""Make the environment for the locks and switch to it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from envkeep.environments import build, links, smoke_tests, store
from envkeep.environments.managers import Manager
from envkeep.environments.spec import EnvironmentSpec
from envkeep.environments.store import Environment, Kind
from envkeep.errors import ToolError
from envkeep.locks import failures
from envkeep.locks.lock_set import Locks
from envkeep.paths import shown
from envkeep.process import say
from envkeep.project import former_tools
from envkeep.project import target as backends
from envkeep.project.requirements import layers
from envkeep.result import Result

HELP = "make and check the environment of this machine's locks, then switch; BACKEND=cpu chooses"
SHOWS_COMMANDS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Install the development environment: every layer and the project, editable."""
    former_tools.remove_crossing()
    with store.exclusive():
        return install(
            store.DEVELOPMENT,
            layers(),
            reason="make install",
            smoke_test=arguments.smoke_test,
        )


def install(
    kind: Kind,
    wanted: Sequence[str],
    *,
    reason: str,
    manager: Manager | None = None,
    smoke_test: bool = True,
) -> Result:
    """Activate the environment for the locks; it is made and checked first if it is not there.

    Args:
        kind: What the environment is for, and what its name starts with.
        wanted: The layers that it holds.
        reason: The command that was given.
        manager: What makes and fills it; by default the project's package manager.
        smoke_test: Whether the project's smoke test judges it.

    Raises:
        ToolError: The environment could not be made; the active one is as it was.
    """
    choice = backends.chosen()
    say(f"Backend {choice.target.backend}: {choice.reason}.")
    locks = Locks(choice.target)
    contents = EnvironmentSpec.of(locks, wanted)
    target = build.described(kind, contents, reason)
    if not locks.are_fresh():
        say("note: the requirements are newer than these locks; `make lock` brings them in.")
    current = store.active(kind)
    links.require_free(kind.link)
    ready = build.usable(kind, target, contents)
    if ready and current and ready.name == current.name:
        line = f"{shown(kind.link)} is up to date: {current.name} (Python {current.python})."
        return Result(_data(kind, current, is_new=False), [line])
    is_new = ready is None
    if ready is None:
        say(f"Making the {target.kind} environment of {', '.join(wanted)}, Python {target.python}.")
        ready = _make(kind, target, contents, current, manager, smoke_test=smoke_test)
    store.activate(kind, ready)
    lines = [f"{shown(kind.link)} -> {shown(ready.folder)}"]
    if current:
        prod = " ARGS=--prod" if kind == store.PRODUCTION else ""
        lines.append(f"`make rollback{prod}` goes back to {current.name}.")
    return Result(_data(kind, ready, is_new=is_new), lines)


def _data(kind: Kind, active: Environment, *, is_new: bool) -> dict[str, Any]:
    return {
        "environment": active.name,
        "folder": shown(active.folder),
        "link": shown(kind.link),
        "python": active.python,
        "backend": active.backend,
        "is_new": is_new,
    }


def _make(
    kind: Kind,
    target: Environment,
    contents: EnvironmentSpec,
    current: Environment | None,
    manager: Manager | None,
    *,
    smoke_test: bool,
) -> Environment:
    try:
        return build.make(kind, target, contents, manager, smoke_test=smoke_test)
    except ToolError as error:
        stays = f"{current.name} stays active" if current else "nothing was switched"
        reason = failures.of_install(error)
        raise ToolError(f"the new environment was not made, {stays}: {reason}.") from error
