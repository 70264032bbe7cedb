"""Find the change of a package that breaks a test, between a good and a bad lock."""

from __future__ import annotations

import argparse
import shlex

from envkeep.bisect import endpoints
from envkeep.bisect.session import Bisection
from envkeep.bisect.test_run import Inconclusive
from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.inputs import given
from envkeep.paths import OVERRIDES, shown
from envkeep.project import snapshot
from envkeep.project import target as backends
from envkeep.result import Result

HELP = "find the change that breaks a test: --good main -- pytest -k name, or GOOD= and TEST="
ENOUGH_RUNS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options; the variables GOOD, BAD and TEST are the same."""
    parser.add_argument("command", nargs="*", help="the test, after --: -- pytest -k name")
    parser.add_argument("--good", metavar="LOCK", help="a commit or a folder of locks: test passes")
    parser.add_argument("--bad", metavar="LOCK", help="where it fails; by default as locked now")
    parser.add_argument("--test", metavar="COMMAND", help='the test as one text: "pytest -k name"')
    parser.add_argument(
        "--repeat", type=int, default=ENOUGH_RUNS, help="runs in every environment (2)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the environments that it makes")
    parser.add_argument("--apply", action="store_true", help="write the pin into overrides.txt")


def run(arguments: argparse.Namespace) -> Result:
    """Return which change breaks the test; the active environment stays as it is.

    Raises:
        ToolError: No change is to blame, or a step cannot be made.
    """
    good, bad = given(arguments.good, "GOOD"), given(arguments.bad, "BAD")
    words = _words(given(shlex.join(arguments.command) or arguments.test, "TEST"))
    if not (good and words):
        raise ToolError(
            "name a good lock and a test: `python keep.py bisect --good main -- pytest -k name`, "
            'or `make bisect GOOD=main TEST="pytest -k name"`; a lock is a commit or a folder, BAD '
            "is the locks as they are now if it is not named."
        )
    if arguments.repeat < 1:
        raise ToolError(f"--repeat {arguments.repeat} runs no test; write 1 or more.")
    target = backends.chosen().target
    with store.exclusive(), snapshot.of_now() as project:
        bisection = Bisection(
            endpoints.read(good, target, "good"),
            endpoints.read(bad, target, "bad"),
            words,
            project,
            target,
            arguments.repeat,
        )
        return _bisect(bisection, keep=arguments.keep, apply=arguments.apply)


def _bisect(bisection: Bisection, *, keep: bool, apply: bool) -> Result:
    try:
        outcome = bisection.run()
    except Inconclusive:
        if not keep:
            bisection.remove_environments()
        raise
    if not keep:
        bisection.remove_environments()
    lines = ["", *bisection.summary()]
    lines += [f"They cannot be separated: {reason}." for reason in outcome.reasons()]
    lines.append(outcome.sentence())
    data = {
        "culprits": [outcome.plan.names(numbers) for numbers in outcome.found.culprits],
        "certain": outcome.found.is_enough,
        "pins": outcome.pins(),
        "sentence": outcome.sentence(),
        "steps": bisection.log.steps(),
        "log": shown(bisection.log.path),
    }
    if not apply:
        return Result(data, lines)
    pins = outcome.apply()
    if not pins:
        return Result.failed("no pin undoes that; the line above says what does.", data, lines)
    wrote = f"Wrote {' '.join(pins)} into {shown(OVERRIDES)}; `make lock-all`, then `make install`."
    return Result(data, [*lines, wrote])


def _words(test: str) -> list[str]:
    try:
        return shlex.split(test)
    except ValueError as error:
        raise ToolError(f"the test {test!r} is not a command: {error}.") from error
