# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Try a change in an environment beside the active one, which stays as it is."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .. import backends, candidates, changes, generations, installing, trials, verdicts
from ..backends import Target
from ..candidates import Candidate
from ..changes import Changes
from ..errors import ToolError
from ..generations import DEVELOPMENT, Generation
from ..installing import Contents
from ..locks import Locks
from ..paths import LOCKS, REQUIREMENTS, ROOT
from ..requirements import layers, layers_of
from ..run import say
from ..verdicts import Measured, Verdict
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
        active = _active()
        with trials.copy_of_now() as copy:
            candidates.lend(copy)
            verdict = _try(wanted, copy, active, quick=arguments.quick)
    if not verdict.good:
        raise ToolError(f"the verdict is bad: {verdict.sentence}; nothing was changed.")
    say(f"The verdict is good: {verdict.sentence}. `make promote` switches to it.")
    return 0


def _active() -> Generation:
    active = generations.active(DEVELOPMENT)
    if active is None:
        raise ToolError("there is no development environment to compare with; run `make install`.")
    return active


def _try(wanted: Changes, copy: Path, active: Generation, *, quick: bool) -> Verdict:
    target = backends.chosen().target
    changes.apply(wanted, copy, target)
    if wanted.resolves:
        candidates.lock_in(copy, upgrade=wanted.upgrade)
    contents = _contents(copy, target)
    made = installing.described(DEVELOPMENT, contents, f"make try: {wanted.text}")
    after = candidates.changed_files(copy)
    if made.name == active.name:
        raise ToolError(f'"{wanted.text}" changes nothing that is installed.')
    if generations.load(made.name) is None:
        say(f"Making the environment {made.name} beside {active.name}, which stays active.")
        installing.make(DEVELOPMENT, made, contents)
    now, tried = _measured(active, made, contents, copy, quick=quick)
    expected = None if quick else trials.expected()
    verdict = verdicts.judge(now, tried, expected)
    candidates.keep(
        Candidate(
            name=made.name,
            text=wanted.text,
            created=made.created,
            good=verdict.good,
            verdict=verdict.sentence,
            before=candidates.hashes_now(after),
            after=after,
        ),
        copy,
    )
    for line in ["", *verdicts.moved(now, tried), "", *verdicts.table(now, tried, expected), ""]:
        say(line)
    return verdict


def _contents(copy: Path, target: Target) -> Contents:
    top = copy / REQUIREMENTS.relative_to(ROOT)
    locks = Locks(target, copy / LOCKS.relative_to(ROOT))
    return Contents.of(locks, layers_of(locks.folder, top), top)


def _measured(
    active: Generation, made: Generation, contents: Contents, copy: Path, *, quick: bool
) -> tuple[Measured, Measured]:
    """Return what is known of both; tests run in the active one only if they fail in the other."""
    present = Contents.of(Locks(contents.target), layers())
    now = verdicts.measure(active.folder, present.locks, present.names)
    tried = verdicts.measure(made.folder, contents.locks, contents.names)
    if quick:
        return now, tried
    steps = project_tasks.steps_of("test")
    tried = replace(tried, tests=_passes(made, copy, steps))
    if not tried.tests:
        return replace(now, tests=_passes(active, copy, steps)), tried
    expected = trials.expected()
    if expected and expected.metrics:
        tried = replace(tried, metrics=verdicts.train(made.folder, copy, expected))
    return now, tried


def _passes(generation: Generation, copy: Path, steps: Sequence[Sequence[str]]) -> bool:
    say(f"Running the tests in {generation.name}.")
    return verdicts.passes_tests(generation.folder, copy, steps)
