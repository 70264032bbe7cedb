"""Compile the locks that this machine can compile itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from envkeep.environments import managers, store
from envkeep.files import write_whole
from envkeep.locks import compile, group_lock, lock_set, package_managers, pylock, torch_wheels
from envkeep.locks.compile import NeedsOlderPins, ResolverFor
from envkeep.locks.lock_set import Locks
from envkeep.locks.resolvers import Uv
from envkeep.locks.torch_builds import TorchBuild
from envkeep.paths import INDEXES, LOCKS, OVERRIDES, PYPROJECT, REQUIREMENTS, shown
from envkeep.process import say
from envkeep.project import target as backends
from envkeep.project.requirements import Line, layers
from envkeep.project.target import Target
from envkeep.result import Result
from envkeep.staging import group_changes
from envkeep.staging.change_spec import set_requirement
from envkeep.toolchain import interpreters, locking_tools

HELP = "compile this platform's locks, layer by layer, with hashes; --fast does it by uv"
SHOWS_COMMANDS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_common_arguments(parser)
    parser.add_argument(
        "--changed",
        action="store_true",
        help="compile only what changed requirements, or another lock that moved, concern",
    )


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that an upgrade has too."""
    parser.add_argument("--quiet", action="store_true", help="do not say what to do next")
    parser.add_argument(
        "--fast", action="store_true", help="resolve with uv: the same locks, several times faster"
    )
    parser.add_argument(
        "--loosen",
        action="store_true",
        help="add to overrides.txt what lets pins of the stack become older, where that is needed",
    )


def run(arguments: argparse.Namespace) -> Result:
    """Compile; own packages keep the versions that the locks already hold."""
    return compile_here(arguments, upgrade=False, only_changed=arguments.changed)


def compile_here(
    arguments: argparse.Namespace, *, upgrade: bool, only_changed: bool = False
) -> Result:
    """Compile the locks for the CPU and for this machine's own backend."""
    wanted = backends.targets_here()
    by_uv = _by_uv()
    if by_uv:  # one uv.lock or poetry.lock is for all targets, so they are locked together
        wanted = tuple(dict.fromkeys((*wanted, *group_lock.locked_targets())))
    if not arguments.fast and not arguments.quiet and not by_uv:
        say("By pip-compile; ARGS=--fast gives the same locks by uv, in seconds, not minutes.")
    with store.exclusive():
        tell_left_out()
        resolver_for = _resolver_for(fast=arguments.fast or by_uv)
        compile_locks(
            wanted,
            resolver_for,
            upgrade=upgrade,
            only_changed=only_changed,
            loosen=arguments.loosen,
        )
    stale = [
        target.name
        for target in backends.targets()
        if target not in wanted and Locks(target).folder.exists() and not Locks(target).are_fresh()
    ]
    lines = ["Commit them, then run `make install`."]
    if stale:
        lines.append(f"note: {', '.join(stale)}: older than the requirements; run `make lock-all`.")
    data = {"locks": [target.name for target in wanted], "stale": stale}
    return Result(data, [] if arguments.quiet else lines)


def tell_left_out() -> None:
    """Say which settings of this machine count for no lock, if there are any."""
    if found := locking_tools.left_out():
        say(
            f"note: {', '.join(found)} of this machine count for no lock; {shown(INDEXES)} says "
            "which packages come from an index of their own."
        )


def compile_first(wanted: Sequence[Target]) -> None:
    """Compile locks that a command needs, with uv where it has a build.

    Both resolvers write the same bytes.
    """
    compile_locks(wanted, _resolver_for(fast=locking_tools.uses_uv() or _by_uv()), upgrade=False)


def _by_uv() -> bool:
    """Tell whether uv compiles the layers: where a lock of all groups is made from them."""
    return package_managers.chosen() is not None


def _resolver_for(*, fast: bool) -> ResolverFor:
    if fast:
        return partial(_uv_for_here, python=interpreters.whole_version())
    return managers.chosen().resolver


def _uv_for_here(target: Target, build: TorchBuild | None, *, python: str) -> Uv:
    """Return uv as the resolver for this very machine, or for all machines of another platform.

    To read what is in a folder of torch's wheels, uv unpacks it. It does so once only if it is the
    folder that environments are filled from.
    """
    if target not in backends.targets_here():
        return Uv(target, build)
    if build and build.is_folder:
        build = replace(build, index=str(torch_wheels.fetch_torch(build).resolve()))
    return Uv(target, build, python=python)


def compile_locks(
    wanted: Sequence[Target],
    resolver_for: ResolverFor,
    *,
    upgrade: bool,
    only_changed: bool = False,
    loosen: bool = False,
    with_pylock: bool = False,
) -> None:
    """Compile all layers for some targets; if one fails, all their locks stay as they were.

    Args:
        wanted: The targets.
        resolver_for: What resolves.
        upgrade: Do not keep the versions that the locks hold.
        only_changed: Leave locks whose inputs are as they were.
        loosen: Add to overrides.txt what they need.
        with_pylock: Write each lock in the form of PEP 751 too, as is done where that is there.
    """
    manager = package_managers.chosen()
    own = [REQUIREMENTS / f"{layer}.in" for layer in layers()]
    beside = [each.path for each in package_managers.WITH_GROUPS]
    with _kept(OVERRIDES, PYPROJECT, *own, *beside), ExitStack() as stack:
        package_managers.remove_others()
        if manager:
            manager.refuse()
            group_changes.take_changes(manager)
        top = stack.enter_context(lock_set.replaced_locks(wanted))
        while True:
            try:
                for target in wanted:
                    compile.lock(
                        target,
                        layers(),
                        resolver_for,
                        upgrade=upgrade,
                        only_changed=only_changed,
                        top=top,
                    )
                break
            except NeedsOlderPins as error:
                if not loosen:
                    raise
                _add_overrides(error.lines)
        if with_pylock or pylock.present(wanted):
            pylock.write(wanted, top)
        if manager:
            manager.write(top)
    say(f"Locked in {shown(LOCKS)}: {', '.join(target.name for target in wanted)}.")


def _add_overrides(lines: Sequence[str]) -> None:
    for line in lines:
        set_requirement(OVERRIDES, Line.of(line).name, line)
        say(f"{shown(OVERRIDES)}: added {line}.")


@contextmanager
def _kept(*paths: Path) -> Iterator[None]:
    """Restore files if anything inside fails or is interrupted."""
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            elif not path.exists() or path.read_bytes() != content:
                write_whole(path, content)
        raise
