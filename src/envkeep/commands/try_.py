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
from envkeep.project import snapshot
from envkeep.project import target as backends
from envkeep.result import Result
from envkeep.staging import change_spec, prepare, stage, staged
from envkeep.staging.change_spec import ChangeSpec
from envkeep.staging.requirement_forms import FORMS
from envkeep.staging.stage import StagingResult
from envkeep.staging.staged import StagedEnvironment

HELP = "try a change beside the active environment: NAME==VERSION, upgrade, git:REF, or CHANGE="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("change", nargs="*", help=f"what to try, or CHANGE: {FORMS}")
    parser.add_argument("--layer", help="where a new package goes")
    parser.add_argument("--quick", action="store_true", help="leave out the tests and the training")
    smoke_tests.add_option(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Return a table of both environments and how they compare; it fails if that is bad.

    Raises:
        ToolError: The change cannot be made; nothing was changed.
    """
    wanted = change_spec.read(given(" ".join(arguments.change), "CHANGE"), arguments.layer)
    with store.exclusive():
        stage.active()
        with snapshot.of_now() as copy:
            prepare.lend(copy)
            outcome, lines = _try(wanted, copy, arguments)
    comparison = outcome.comparison
    data = {"change": wanted.text, **outcome.as_data()}
    if not comparison.is_good:
        sentence = f"the comparison is bad: {comparison.sentence}; nothing was changed."
        return Result.failed(sentence, data, lines)
    good = f"The comparison is good: {comparison.sentence}. `make promote` switches to it."
    return Result(data, [*lines, good])


def _try(
    wanted: ChangeSpec, copy: Path, arguments: argparse.Namespace
) -> tuple[StagingResult, Sequence[str]]:
    target = backends.chosen().target
    change_spec.apply(wanted, copy, target)
    asked = prepare.added_overrides(copy)
    if wanted.resolves:
        say("Locking it.")
        prepare.lock(copy, upgrade=wanted.upgrade)
    partners = [line for line in prepare.added_overrides(copy) if line not in asked]
    spec = stage.spec_of(copy, target)
    made = build.described(DEVELOPMENT, spec, f"make try: {wanted.text}")
    if made.name == stage.active().name:
        raise ToolError(f'"{wanted.text}" changes nothing that is installed.')
    outcome = stage.stage(
        copy,
        spec,
        made,
        project_tasks.steps_of("test"),
        quick=arguments.quick,
        smoke_test=arguments.smoke_test,
    )
    after = prepare.changed_files(copy)
    staged.keep(
        StagedEnvironment(
            name=outcome.environment.name,
            text=wanted.text,
            created=made.created,
            good=outcome.comparison.is_good,
            verdict=outcome.comparison.sentence,
            before=staged.hashes_now(after),
            after=after,
        ),
        copy,
    )
    lines = outcome.lines()
    if partners:
        more = f"note: it needs more lines in {shown(OVERRIDES)}, which `make promote` writes too:"
        lines += [more, *(f"  {line}" for line in partners)]
    return outcome, lines
