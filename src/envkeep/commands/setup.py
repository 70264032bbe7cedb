"""Set up a fresh copy: repository, locks, environment, hooks."""

from __future__ import annotations

import argparse

from envkeep.commands import install, lock
from envkeep.environments import smoke_tests, store
from envkeep.lint import git_hooks
from envkeep.locks.lock_set import Locks
from envkeep.process import run as run_program
from envkeep.process import say
from envkeep.project import former_tools, target
from envkeep.project.requirements import layers
from envkeep.result import Result

HELP = "do all that a fresh copy or clone needs: repository, locks, environment, git hooks"
SHOWS_COMMANDS = True
STEPS = ("git repository", "locks", "environment", "git hooks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Do what is still missing; running it again does nothing."""
    former_tools.finish()
    _say_step(1)
    if not _has_repository():
        run_program(["git", "init", "--quiet"])
    with store.exclusive():
        is_locked = not Locks(target.chosen().target).missing(layers())
        _say_step(2, ": there already" * is_locked)
        if not is_locked:
            without = [each for each in target.targets_here() if Locks(each).missing(layers())]
            lock.compile_first(without)
        _say_step(3)
        done = install.install(
            store.DEVELOPMENT,
            layers(),
            reason="make setup",
            smoke_test=arguments.smoke_test,
        )
        for line in done.lines:
            say(line)
    _say_step(4)
    git_hooks.install()
    return Result(done.data, ["Ready. `make` lists what to do next."])


def _say_step(number: int, more: str = "") -> None:
    say(f"[{number}/{len(STEPS)}] {STEPS[number - 1]}{more}")


def _has_repository() -> bool:
    """Tell whether the project is under git; one that ignores this folder is somebody else's."""
    inside = (
        run_program(["git", "rev-parse", "--is-inside-work-tree"], mode="probe").answer == "true"
    )
    return inside and not run_program(["git", "check-ignore", "."], mode="probe").answer
