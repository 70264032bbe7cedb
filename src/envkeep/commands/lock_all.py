"""Compile the locks of every platform and backend of the project from this machine."""

from __future__ import annotations

import argparse

from envkeep.commands import lock
from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.hardware import catalog
from envkeep.locks.lock_set import Locks
from envkeep.locks.resolvers import Uv
from envkeep.process import say
from envkeep.project import former_tools
from envkeep.project import target as backends
from envkeep.project.target import Target
from envkeep.result import Result

HELP = "compile the locks of every platform and backend of the project, for the whole team"
SHOWS_COMMANDS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    platforms = [row["platform"] for row in catalog.platforms()]
    parser.add_argument(
        "--platform", action="append", choices=platforms, help="only this platform; repeatable"
    )
    parser.add_argument(
        "--backend", action="append", choices=backends.declared(), help="only this one; repeatable"
    )
    parser.add_argument("--present", action="store_true", help="only those that are there already")
    parser.add_argument("--upgrade", action="store_true", help="as lock-upgrade does")
    parser.add_argument(
        "--pylock", action="store_true", help="write each layer as pylock.toml (PEP 751) too"
    )


def run(arguments: argparse.Namespace) -> Result:
    """Compile with uv, which resolves for other platforms too; nothing is installed."""
    former_tools.finish()
    wanted = _wanted(arguments.platform, arguments.backend)
    if arguments.present:
        wanted = tuple(target for target in wanted if Locks(target).folder.exists())
    say(f"Locking {len(wanted)}: {', '.join(target.name for target in wanted)}.")
    with store.exclusive():
        lock.tell_left_out()
        lock.compile_locks(wanted, Uv, upgrade=arguments.upgrade, with_pylock=arguments.pylock)
    data = {"locks": [target.name for target in wanted]}
    return Result(data, ["Commit them; on each machine `make install` takes the one that fits."])


def _wanted(platforms: list[str] | None, names: list[str] | None) -> tuple[Target, ...]:
    wanted = tuple(
        target
        for target in backends.targets()
        if (not platforms or target.platform in platforms)
        and (not names or target.backend in names)
    )
    if not wanted:
        known = ", ".join(target.name for target in backends.targets())
        raise ToolError(f"the project has no such target; it has {known}.")
    return wanted
