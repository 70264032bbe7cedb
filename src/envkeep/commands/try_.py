"""Try a change in an environment beside the active one, which stays as it is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from envkeep.commands import project_tasks
from envkeep.environments import build, smoke_tests, store
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.inputs import given
from envkeep.paths import OVERRIDES, shown
from envkeep.process import say
from envkeep.project import target as backends
from envkeep.result import Result
from envkeep.staging import change_spec, rehearsal, staged
from envkeep.staging.change_spec import Changes
from envkeep.staging.rehearsal import Tried
from envkeep.staging.requirement_forms import FORMS
from envkeep.staging.staged import Candidate
from envkeep.training import baseline

HELP = "try a change beside the active environment: NAME==VERSION, upgrade, git:REF, or CHANGE="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("change", nargs="*", help=f"what to try, or CHANGE: {FORMS}")
    parser.add_argument("--layer", help="where a new package goes")
    parser.add_argument("--quick", action="store_true", help="leave out the tests and the training")
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Return a table of both environments and the verdict; it fails if that is bad.

    Raises:
        ToolError: The change cannot be made; nothing was changed.
    """
    wanted = change_spec.read(given(" ".join(arguments.change), "CHANGE"), arguments.layer)
    with store.exclusive():
        rehearsal.active()
        with baseline.copy_of_now() as copy:
            staged.lend(copy)
            tried, lines = _try(wanted, copy, arguments)
    verdict = tried.verdict
    data = {"change": wanted.text, **tried.as_data()}
    if not verdict.good:
        sentence = f"the verdict is bad: {verdict.sentence}; nothing was changed."
        return Result.failed(sentence, data, lines)
    good = f"The verdict is good: {verdict.sentence}. `make promote` switches to it."
    return Result(data, [*lines, good])


def _try(wanted: Changes, copy: Path, arguments: argparse.Namespace) -> tuple[Tried, Sequence[str]]:
    target = backends.chosen().target
    change_spec.apply(wanted, copy, target)
    asked = staged.added_overrides(copy)
    if wanted.resolves:
        say("Locking it.")
        staged.lock_in(copy, upgrade=wanted.upgrade)
    partners = [line for line in staged.added_overrides(copy) if line not in asked]
    contents = rehearsal.spec_of(copy, target)
    made = build.described(DEVELOPMENT, contents, f"make try: {wanted.text}")
    if made.name == rehearsal.active().name:
        raise ToolError(f'"{wanted.text}" changes nothing that is installed.')
    tried = rehearsal.compare(
        copy,
        contents,
        made,
        project_tasks.steps_of("test"),
        quick=arguments.quick,
        smoke_test=arguments.smoke_test,
    )
    after = staged.changed_files(copy)
    staged.keep(
        Candidate(
            name=tried.environment.name,
            text=wanted.text,
            created=made.created,
            good=tried.verdict.good,
            verdict=tried.verdict.sentence,
            before=staged.hashes_now(after),
            after=after,
        ),
        copy,
    )
    lines = tried.lines()
    if partners:
        more = f"note: it needs more lines in {shown(OVERRIDES)}, which `make promote` writes too:"
        lines += [more, *(f"  {line}" for line in partners)]
    return tried, lines
