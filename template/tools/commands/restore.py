# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Make a saved environment again, without network, and switch to it if the tests pass."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .. import (
    generations,
    restoring,
    saved,
    saved_python,
    smoke_tests,
    trials,
    verdicts,
)
from ..errors import ToolError
from ..generations import DEVELOPMENT
from ..locks import Locks
from ..paths import shown
from ..progress import add_option, logged
from ..requirements import layers
from ..run import say
from ..saved import Saved
from . import project_tasks

HELP = "make the environment that `make save` saved, from its folder alone; FROM=FOLDER"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("folder", nargs="?", help="the folder that was saved, or FROM")
    parser.add_argument("--quick", action="store_true", help="leave out the project's tests")
    smoke_tests.add_option(parser)
    add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify, bring the saved Python if need be, compare the machines, make, test, switch.

    Raises:
        ToolError: The folder is damaged, is for another kind of machine, or the tests fail.
    """
    chosen = arguments.folder or os.environ.get("FROM")
    if not chosen:
        raise ToolError("name the saved folder: `make restore FROM=FOLDER`.")
    with logged("restore", verbose=arguments.verbose), generations.exclusive():
        found = saved.load(Path(chosen).absolute())
        say(f"Verifying {len(found.files)} files.")
        found.verify()
        restoring.require_same_kind(found)
        saved_python.ensure(found)
        _show_differences(found)
        with restoring.without_network(found):
            made = restoring.restore(found, smoke_test=arguments.smoke_test)
            if not arguments.quick:
                _test(made.folder)
        generations.activate(DEVELOPMENT, made)
    say(f"{shown(DEVELOPMENT.link)} -> {shown(made.folder)}")
    _compare_locks(found)
    return 0


def _show_differences(found: Saved) -> None:
    for sentence, matters in restoring.differences(found):
        say(f"{'different' if matters else 'different, harmless'}: {sentence}.")


def _test(environment: Path) -> None:
    with trials.copy_of_now() as copy:
        if not verdicts.passes_tests(environment, copy, project_tasks.steps_of("test")):
            raise ToolError(
                "the project's tests fail in what was restored; nothing was switched, "
                f"{shown(environment)} is there to be looked at."
            )


def _compare_locks(found: Saved) -> None:
    locks = Locks(restoring.target_of(found))
    present = None if locks.missing(layers()) else locks.sha256(layers())
    if present != found.facts["lock_sha256"]:
        commit = str(found.facts["commit"])[:12]
        say(f"note: the project's locks are others; those saved are of the commit {commit}.")
