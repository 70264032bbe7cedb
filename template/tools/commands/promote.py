# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Take over what was tried: its requirements, its locks, its environment."""

from __future__ import annotations

import argparse
import shutil

from .. import backends, candidates, generations, smoke_tests
from ..errors import ToolError
from ..generations import DEVELOPMENT
from ..locks import Locks
from ..requirements import layers
from ..run import say
from . import install

HELP = "switch to what `make try` found good, and write its requirements and locks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", nargs="?", help="the name of its generation; by default the latest")
    parser.add_argument("--anyway", action="store_true", help="also if the verdict was bad")
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the files, then switch; the environment before stays for `make rollback`.

    Raises:
        ToolError: Nothing was tried, the verdict was bad, or the project's files have changed.
    """
    with generations.exclusive():
        candidate = candidates.find(arguments.name)
        if not (candidate.good or arguments.anyway):
            raise ToolError(
                f'the verdict on "{candidate.text}" was bad: {candidate.verdict}; '
                'nothing was changed, `make promote ARGS="--anyway"` takes it all the same.'
            )
        verdict = "good" if candidate.good else "bad"
        say(
            f'Taking over "{candidate.text}", tried {candidate.created} as {candidate.name}; the '
            f"verdict was {verdict}: {candidate.verdict}."
        )
        candidates.write_into_project(candidate)
        install.install(
            DEVELOPMENT,
            layers(),
            reason=f"make promote: {candidate.text}",
            smoke_test=arguments.smoke_test,
        )
        others = [each.text for each in candidates.kept() if each.name != candidate.name]
        for tried in candidates.kept():  # the others were compared with the environment before
            shutil.rmtree(tried.folder)
    for path in candidate.after:
        say(f"wrote {path}")
    if others:
        listed = ", ".join(f'"{text}"' for text in others)
        say(f"Other tries can be promoted no more, try them again: {listed}.")
    say("Commit them; `make rollback` with `git checkout` of them goes back.")
    stale = [each.name for each in backends.targets() if _is_stale(Locks(each))]
    if stale:
        say(f"note: {', '.join(stale)}: older than the requirements; run `make lock-all`.")
    return 0


def _is_stale(locks: Locks) -> bool:
    return locks.folder.exists() and not locks.are_fresh()
