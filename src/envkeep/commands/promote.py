"""Promote a staged environment: its requirements, its locks, its environment."""

from __future__ import annotations

import argparse
import shutil

from envkeep.commands import install
from envkeep.environments import smoke_tests, store
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.locks.lock_set import Locks
from envkeep.process import say
from envkeep.project import target
from envkeep.project.requirements import layers
from envkeep.result import Result
from envkeep.staging import staged

HELP = "switch to what `try` found good, and write its requirements and locks"
SHOWS_COMMANDS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "name", nargs="?", help="the name of its environment; by default the latest"
    )
    parser.add_argument("--anyway", action="store_true", help="also if the comparison was bad")
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Write the files, then switch; the environment before stays for `make rollback`.

    Raises:
        ToolError: Nothing is staged, the comparison was bad, or the project's files have changed.
    """
    with store.exclusive():
        chosen = staged.find(arguments.name)
        if not (chosen.good or arguments.anyway):
            raise ToolError(
                f'the comparison of "{chosen.text}" was bad: {chosen.verdict}; '
                'nothing was changed, `make promote ARGS="--anyway"` takes it all the same.'
            )
        came_out = "good" if chosen.good else "bad"
        say(
            f'Taking over "{chosen.text}", tried {chosen.created} as {chosen.name}; the '
            f"comparison was {came_out}: {chosen.verdict}."
        )
        staged.write_into_project(chosen)
        done = install.install(
            DEVELOPMENT,
            layers(),
            reason=f"make promote: {chosen.text}",
            smoke_test=arguments.smoke_test,
        )
        others = [each.text for each in staged.kept() if each.name != chosen.name]
        for tried in staged.kept():  # the others were compared with the environment before
            shutil.rmtree(tried.folder)
    stale = [each.name for each in target.targets() if _is_stale(Locks(each))]
    lines = [*done.lines[:1], *(f"wrote {path}" for path in chosen.after)]
    if others:
        listed = ", ".join(f'"{text}"' for text in others)
        lines.append(f"Other staged environments can be promoted no more, try again: {listed}.")
    lines.append("Commit them; `make rollback` with `git checkout` of them goes back.")
    if stale:
        lines.append(f"note: {', '.join(stale)}: older than the requirements; run `make lock-all`.")
    data = {"change": chosen.text, "written": [*chosen.after], "stale": stale}
    return Result({**done.data, **data}, lines)


def _is_stale(locks: Locks) -> bool:
    return locks.folder.exists() and not locks.are_fresh()
