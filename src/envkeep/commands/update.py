"""Bring the template's newer release onto a branch, try it there, and say what it brings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from envkeep.commands import project_tasks
from envkeep.environments import build, smoke_tests, store
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import PYTHON_VERSION, ROOT, UPDATES, shown
from envkeep.process import say
from envkeep.project import target
from envkeep.project.git import Git
from envkeep.project.metadata import python_version
from envkeep.result import Result
from envkeep.staging import prepare, stage
from envkeep.staging.stage import StagingResult
from envkeep.updates import in_place, nested, preflight
from envkeep.updates.worktree import branch_of, worktree

HELP = "bring the template's newer release onto a branch and try it there; --dry-run says what"


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


def run(arguments: argparse.Namespace) -> Result:
    """Update on a branch; the files here and the active environment stay as they are.

    It fails if something got worse with the update.

    Raises:
        ToolError: the update cannot be made.
    """
    only_files = arguments.in_place or arguments.dry_run or arguments.data
    try:
        with store.exclusive():
            if only_files:
                return in_place.update(arguments.to, arguments.data, dry_run=arguments.dry_run)
            return _update_on_a_branch(arguments.to, smoke_test=arguments.smoke_test)
    except KeyboardInterrupt as error:
        sentence = "unless its summary stands above, the update was not made."
        raise KeyboardInterrupt(sentence) from error


def _update_on_a_branch(wanted: str | None, *, smoke_test: bool) -> Result:
    project = Git(ROOT)
    preflight.check(project)
    stage.active()
    start = project.text("rev-parse", "HEAD")
    with worktree(project) as folder:
        prepare.lend(folder)
        update = _update_in(folder, wanted)
        branch = branch_of(folder)
        if not branch:
            return Result(update, update["summary"].splitlines())
        say(f"\n{update['summary']}\n")
        outcome = _stage(folder, smoke_test=smoke_test)
    return _judged(outcome, branch, start, update)


def _stage(folder: Path, *, smoke_test: bool) -> StagingResult:
    """Make the environment of the updated project, and compare."""
    version = (folder / PYTHON_VERSION.relative_to(ROOT)).read_text(encoding="utf-8").strip()
    if not version.startswith(python_version()):
        raise ToolError(
            f"the update takes Python {version}, so it cannot be tried beside this environment; "
            "its branch is there, merge it and run `make install`."
        )
    spec = stage.spec_of(folder, target.chosen().target)
    made = build.described(DEVELOPMENT, spec, "make update")
    steps = project_tasks.steps_of("test")
    return stage.stage(folder, spec, made, steps, quick=False, smoke_test=smoke_test)


def _judged(outcome: StagingResult, branch: str, start: str, update: dict[str, Any]) -> Result:
    data = {**update, **outcome.as_data()}
    sentence = outcome.comparison.sentence
    if outcome.comparison.is_good:
        next_step = f"`git merge {branch}`, then `make install`."
        good = f"The comparison is good: {sentence}."
        return Result(
            data, [*outcome.lines(), good, f"The update is on the branch {branch}: {next_step}"]
        )
    return Result.failed(
        f"with the update {sentence}; nothing here was changed, it is on the branch {branch}. To "
        "find the package that does it: "
        f'`make bisect GOOD={start[:12]} BAD={branch} TEST="pytest"`.',
        data,
        outcome.lines(),
    )


def _update_in(folder: Path, wanted: str | None) -> dict[str, Any]:
    """Update a copy of the project on a branch, and return what that reports.

    Raises:
        CommandError: the update was refused; the reason is its own.
    """
    try:
        return nested.report_of(folder, "update-branch", *(["--to", wanted] if wanted else []))
    finally:
        _keep_records(folder)


def _keep_records(folder: Path) -> None:
    """Bring what the update saved, such as edits that could not be merged, into the project."""
    for path in sorted((folder / UPDATES.relative_to(ROOT)).glob("*/")):
        if not (UPDATES / path.name).exists():
            UPDATES.mkdir(parents=True, exist_ok=True)
            path.rename(UPDATES / path.name)
            say(f"What the update saved lies in {shown(UPDATES / path.name)}.")
