"""Find the change of a package that breaks a test, between a good and a bad lock."""

from __future__ import annotations

import argparse
import os
import shlex

from envkeep.bisect import endpoints
from envkeep.bisect.result import Outcome
from envkeep.bisect.session import Bisection
from envkeep.bisect.test_run import Inconclusive
from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.paths import OVERRIDES, shown
from envkeep.process import say
from envkeep.progress import add_option, logged
from envkeep.project import target as backends
from envkeep.training import baseline

HELP = "find the change of a package, between a good and a bad lock, that breaks a test"
ENOUGH_RUNS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options; the variables GOOD, BAD and TEST are the same."""
    parser.add_argument("--good", metavar="LOCK", help="a commit or a folder of locks: test passes")
    parser.add_argument("--bad", metavar="LOCK", help="where it fails; by default as locked now")
    parser.add_argument("--test", metavar="COMMAND", help='such as "pytest -k name"')
    parser.add_argument(
        "--repeat", type=int, default=ENOUGH_RUNS, help="runs in every environment (2)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the environments that it makes")
    parser.add_argument("--apply", action="store_true", help="write the pin into overrides.txt")
    add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say which change breaks the test; the active environment stays as it is.

    Raises:
        ToolError: There is no culprit, or a step cannot be made.
    """
    good = arguments.good or os.environ.get("GOOD", "")
    bad = arguments.bad or os.environ.get("BAD", "")
    words = _words(arguments.test or os.environ.get("TEST", ""))
    if not (good and words):
        raise ToolError(
            'name a good lock and a test: make bisect GOOD=main TEST="pytest -k name"; a lock is a '
            "commit or a folder, BAD is the locks as they are now if it is not named."
        )
    if arguments.repeat < 1:
        raise ToolError(f"--repeat {arguments.repeat} runs no test; write 1 or more.")
    target = backends.chosen().target
    log = logged("bisect", verbose=arguments.verbose)
    with log, store.exclusive(), baseline.copy_of_now() as project:
        bisection = Bisection(
            endpoints.read(good, target, "good"),
            endpoints.read(bad, target, "bad"),
            words,
            project,
            target,
            arguments.repeat,
        )
        _bisect(bisection, keep=arguments.keep, apply=arguments.apply)
    return 0


def _bisect(bisection: Bisection, *, keep: bool, apply: bool) -> None:
    try:
        outcome = bisection.run()
    except Inconclusive:
        if not keep:
            bisection.remove_environments()
        raise
    if not keep:
        bisection.remove_environments()
    for line in ["", *bisection.summary()]:
        say(line)
    for reason in outcome.reasons():
        say(f"They cannot be taken apart: {reason}.")
    say(outcome.sentence())
    if apply:
        _apply(outcome)


def _apply(outcome: Outcome) -> None:
    pins = outcome.apply()
    if not pins:
        raise ToolError("no pin undoes that; the line above says what does.")
    say(f"Wrote {' '.join(pins)} into {shown(OVERRIDES)}; `make lock-all`, then `make install`.")


def _words(test: str) -> list[str]:
    try:
        return shlex.split(test)
    except ValueError as error:
        raise ToolError(f"the test {test!r} is not a command: {error}.") from error
