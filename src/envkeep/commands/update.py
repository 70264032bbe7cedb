"""Bring the template's newer release onto a branch, try it there, and say what it brings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from envkeep.commands import project_tasks
from envkeep.environments import build, smoke_tests, store
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import CommandError, ToolError
from envkeep.paths import LAUNCHER, PYTHON_VERSION, ROOT, UPDATES, shown
from envkeep.process import announce, inside, say
from envkeep.progress import add_option, logged
from envkeep.project import target
from envkeep.project.git import Git
from envkeep.project.metadata import python_version
from envkeep.staging import rehearsal, staged
from envkeep.staging.rehearsal import Tried
from envkeep.updates import in_place, preflight
from envkeep.updates.worktree import branch_of, worktree

HELP = "bring the template's newer release onto a branch, with new locks, and try it there"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--to", metavar="VERSION", help="this version instead of the newest")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change an answer; repeatable",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, do nothing")
    smoke_tests.add_option(parser)
    parser.add_argument(
        "--in-place",
        action="store_true",
        help="only write the files here, as with --data; lock and try it yourself",
    )
    add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Update on a branch; the files here and the active environment stay as they are.

    Raises:
        ToolError: the update cannot be made, or something got worse with it.
    """
    only_files = arguments.in_place or arguments.dry_run or arguments.data
    try:
        with store.exclusive():
            if only_files:
                in_place.update(arguments.to, arguments.data, dry_run=arguments.dry_run)
            else:
                _update_on_a_branch(
                    arguments.to, smoke_test=arguments.smoke_test, verbose=arguments.verbose
                )
    except KeyboardInterrupt:
        print(
            "interrupted: unless its summary stands above, the update was not made.",
            file=sys.stderr,
        )
        return 130
    return 0


def _update_on_a_branch(wanted: str | None, *, smoke_test: bool, verbose: bool) -> None:
    project = Git(ROOT)
    preflight.check(project)
    rehearsal.active()
    start = project.text("rev-parse", "HEAD")
    with worktree(project) as folder:
        staged.lend(folder)
        _envkeep_in(folder, "update-branch", *(["--to", wanted] if wanted else []))
        branch = branch_of(folder)
        if not branch:
            return
        with logged("update", verbose=verbose):
            tried = _try(folder, smoke_test=smoke_test)
        tried.show()
    _judge(tried, branch, start)


def _try(folder: Path, *, smoke_test: bool) -> Tried:
    """Make the environment of the updated project, and compare."""
    version = (folder / PYTHON_VERSION.relative_to(ROOT)).read_text(encoding="utf-8").strip()
    if not version.startswith(python_version()):
        raise ToolError(
            f"the update takes Python {version}, so it cannot be tried beside this environment; "
            "its branch is there, merge it and run `make install`."
        )
    contents = rehearsal.contents_of(folder, target.chosen().target)
    made = build.described(DEVELOPMENT, contents, "make update")
    steps = project_tasks.steps_of("test")
    return rehearsal.compare(folder, contents, made, steps, quick=False, smoke_test=smoke_test)


def _judge(tried: Tried, branch: str, start: str) -> None:
    if tried.verdict.good:
        say(f"The verdict is good: {tried.verdict.sentence}.")
        say(f"The update is on the branch {branch}: `git merge {branch}`, then `make install`.")
        return
    raise ToolError(
        f"with the update {tried.verdict.sentence}; nothing here was changed, it is on the branch "
        f"{branch}. To find the package that does it: "
        f'`make bisect GOOD={start[:12]} BAD={branch} TEST="pytest"`.'
    )


def _envkeep_in(folder: Path, *arguments: str) -> None:
    """Run a command of envkeep in a copy of the project, whose files it changes.

    Raises:
        CommandError: the command failed; the reason is its own.
    """
    command = [sys.executable, LAUNCHER.name, *arguments]
    announce(command)
    code, reason = inside(folder, command)
    _keep_records(folder)
    if code:
        raise CommandError(reason or "the update was not made; its message is above.")


def _keep_records(folder: Path) -> None:
    """Bring what the update saved, such as edits that could not be merged, into the project."""
    for path in sorted((folder / UPDATES.relative_to(ROOT)).glob("*/")):
        if not (UPDATES / path.name).exists():
            UPDATES.mkdir(parents=True, exist_ok=True)
            path.rename(UPDATES / path.name)
            say(f"What the update saved lies in {shown(UPDATES / path.name)}.")
