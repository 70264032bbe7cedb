# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Try a change in an environment beside the active one, which stays as it is."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .. import backends, candidates, changes, generations, installing, trials, trying
from ..candidates import Candidate
from ..changes import Changes
from ..errors import ToolError
from ..generations import DEVELOPMENT
from ..run import say
from ..trying import Tried
from . import project_tasks

HELP = "try a change in an environment beside the active one: lock, install, test, train, compare"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("change", nargs="*", help=f"what to try, or CHANGE: {changes.FORMS}")
    parser.add_argument("--layer", help="where a new package goes")
    parser.add_argument("--quick", action="store_true", help="leave out the tests and the training")


def run(arguments: argparse.Namespace) -> int:
    """Print a table of both environments and the verdict.

    Raises:
        ToolError: The change cannot be made, or the verdict is bad; nothing was changed.
    """
    text = " ".join(arguments.change) or os.environ.get("CHANGE", "")
    wanted = changes.read(text, arguments.layer)
    with generations.exclusive():
        trying.active()
        with trials.copy_of_now() as copy:
            candidates.lend(copy)
            tried = _try(wanted, copy, quick=arguments.quick)
    if not tried.verdict.good:
        raise ToolError(f"the verdict is bad: {tried.verdict.sentence}; nothing was changed.")
    say(f"The verdict is good: {tried.verdict.sentence}. `make promote` switches to it.")
    return 0


def _try(wanted: Changes, copy: Path, *, quick: bool) -> Tried:
    target = backends.chosen().target
    changes.apply(wanted, copy, target)
    if wanted.resolves:
        candidates.lock_in(copy, upgrade=wanted.upgrade)
    contents = trying.contents_of(copy, target)
    made = installing.described(DEVELOPMENT, contents, f"make try: {wanted.text}")
    if made.name == trying.active().name:
        raise ToolError(f'"{wanted.text}" changes nothing that is installed.')
    tried = trying.compare(copy, contents, made, project_tasks.steps_of("test"), quick=quick)
    after = candidates.changed_files(copy)
    candidates.keep(
        Candidate(
            name=tried.generation.name,
            text=wanted.text,
            created=made.created,
            good=tried.verdict.good,
            verdict=tried.verdict.sentence,
            before=candidates.hashes_now(after),
            after=after,
        ),
        copy,
    )
    tried.show()
    return tried
