"""Restore a saved environment without network, and switch to it if the tests pass."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from envkeep.archive import interpreter, manifest, restore
from envkeep.archive.manifest import Manifest
from envkeep.commands import project_tasks
from envkeep.environments import smoke_tests, store
from envkeep.errors import ToolError
from envkeep.inputs import given
from envkeep.locks.lock_set import Locks
from envkeep.paths import shown
from envkeep.process import say
from envkeep.project import snapshot
from envkeep.result import Result
from envkeep.staging import project_tests

HELP = "make a saved environment again, without network; FOLDER or FROM="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("folder", nargs="?", help="the folder that was saved, or FROM")
    parser.add_argument("--quick", action="store_true", help="leave out the project's tests")
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Verify, bring the saved Python if need be, compare the machines, make, test, switch.

    Raises:
        ToolError: The folder is damaged, is for another kind of machine, or the tests fail.
    """
    chosen = given(arguments.folder, "FROM")
    if not chosen:
        raise ToolError("name the saved folder: `make restore FROM=FOLDER`.")
    with store.exclusive():
        found = manifest.load(Path(chosen).absolute())
        say(f"Verifying {len(found.files)} files.")
        found.verify()
        restore.require_same_kind(found)
        interpreter.ensure(found)
        _show_differences(found)
        kind = restore.kind_of(found)
        with restore.without_network(found):
            made = restore.restore(found, smoke_test=arguments.smoke_test)
            if not arguments.quick and not found.named:
                _test(made.folder)
        store.activate(kind, made)
    link, folder = shown(kind.link), shown(made.folder)
    data = {
        "environment": made.name,
        "folder": folder,
        "link": link,
        "from": shown(found.layout.folder),
    }
    return Result(data, [f"{link} -> {folder}", *_differing_locks(found)])


def _show_differences(found: Manifest) -> None:
    for sentence, matters in restore.differences(found):
        say(f"{'different' if matters else 'different, harmless'}: {sentence}.")


def _test(environment: Path) -> None:
    with snapshot.of_now() as copy:
        if not project_tests.pass_in(environment, copy, project_tasks.steps_of("test")):
            raise ToolError(
                "the project's tests fail in what was restored; nothing was switched, "
                f"{shown(environment)} is there to be looked at."
            )


def _differing_locks(found: Manifest) -> Iterator[str]:
    locks = Locks(restore.target_of(found))
    present = None if locks.missing(found.layers) else locks.sha256(found.layers)
    if present != found.facts["lock_sha256"]:
        commit = str(found.facts["commit"])[:12]
        yield f"note: the project's locks are others; those saved are of the commit {commit}."
