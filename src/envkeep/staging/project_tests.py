"""Run the project's own tests in an environment, which stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envkeep.environments.smoke_tests import NO_TESTS_COLLECTED
from envkeep.paths import python
from envkeep.process import run, say

UNTOUCHED = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Variables with which an environment that is only looked at stays as it is."""
MOST_NAMED = 10  # tests that failed


def pass_in(environment: Path, copy: Path, steps: Sequence[Sequence[str]]) -> bool:
    """Run the project's tests in an environment and tell whether they pass.

    Args:
        environment: Its folder.
        copy: A copy of the project, where they run; its package comes before the project's.
        steps: The arguments of the interpreter, one list after the other.
    """
    variables = {**UNTOUCHED, "PYTHONPATH": str(copy / "src")}
    for step in steps:
        done = run([python(environment), *step], cwd=copy, env=variables, check=False)
        for line in summary_of_tests(done.text):
            say(f"  {line}")
        if done.code not in (0, NO_TESTS_COLLECTED):
            return False
    return True


def summary_of_tests(output: str) -> list[str]:
    """Return the lines of what pytest printed that name tests which failed, and its last line."""
    lines = output.strip().splitlines()
    failed = [line for line in lines[:-1] if line.startswith(("FAILED ", "ERROR "))]
    more = len(failed) - MOST_NAMED
    return [
        *failed[:MOST_NAMED],
        *([f"and {more} more"] if more > 0 else []),
        *(line.strip("= ") for line in lines[-1:]),
    ]
