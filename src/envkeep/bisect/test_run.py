"""Run the test of a bisection repeatedly in an environment, because tests can be flaky."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from envkeep import temporary
from envkeep.bisect.search import Verdict
from envkeep.environments.smoke_tests import NO_TESTS_COLLECTED
from envkeep.errors import ToolError
from envkeep.paths import python, scripts
from envkeep.process import run
from envkeep.progress import waiting
from envkeep.staging.project_tests import UNTOUCHED

NO_VERDICT = 125
"""The exit code by which a test says that it cannot judge, as with ``git bisect run``."""
RUNS_OF_A_FLAKY_TEST = 5


class Inconclusive(ToolError):
    """The search ends without a culprit, and why."""


def verdict(
    words: Sequence[str],
    interpreter_of: Path,
    project: Path,
    output: Path,
    *,
    title: str,
    runs: int,
) -> Verdict:
    """Return what the test says in an environment, each time in a fresh copy of the project.

    Args:
        words: The test's command.
        interpreter_of: The environment.
        project: What the copies are made of.
        output: Where what the test prints is kept.
        title: What the environment holds, for messages.
        runs: How often it has to say the same.

    Raises:
        Inconclusive: The test says one thing and then another, or cannot be started.
    """
    found: Counter[Verdict] = Counter()
    output.unlink(missing_ok=True)
    while found.total() < (runs if len(found) < 2 else RUNS_OF_A_FLAKY_TEST):
        with waiting(f"the test with {title}"):
            found[_judged(words, _run(words, interpreter_of, project, output))] += 1
    if len(found) == 1:
        return next(iter(found))
    raise Inconclusive(
        f"the test is flaky: with {title} it passed {found[Verdict.PASS]} of {found.total()} times "
        f"(see {output.name} beside the log); make it answer the same every time, then try again."
    )


def digest(project: Path) -> str:
    """Return the SHA-256 of all files of a copy of the project."""
    found = hashlib.sha256()
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        found.update(f"\0{path.relative_to(project).as_posix()}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _judged(words: Sequence[str], code: int) -> Verdict:
    if code == 0:
        return Verdict.PASS
    is_pytest = "pytest" in words[:3]
    if code == NO_VERDICT or (is_pytest and code == NO_TESTS_COLLECTED):
        return Verdict.UNKNOWN
    return Verdict.FAIL


def _run(words: Sequence[str], interpreter_of: Path, project: Path, output: Path) -> int:
    """Run the test once and return its exit code."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with temporary.folder() as top, output.open("ab") as file:
        copy = top / "project"
        shutil.copytree(project, copy, symlinks=True)
        variables = _variables(interpreter_of, copy)
        command = _command(words, interpreter_of, variables["PATH"])
        try:
            done = run(command, cwd=copy, env=variables, mode="capture", stderr=file, check=False)
        except ToolError as error:
            raise Inconclusive(str(error)) from error
    return done.code


def _command(words: Sequence[str], interpreter_of: Path, path: str) -> list[str]:
    """Return the test's command with the programs of an environment.

    Raises:
        Inconclusive: There is no program of that name.
    """
    name, *rest = words
    if name == "pytest":
        return [str(python(interpreter_of)), "-m", "pytest", *rest]
    if name in ("python", "python3"):
        return [str(python(interpreter_of)), *rest]
    found = name if os.sep in name else shutil.which(name, path=path)
    if not found:
        raise Inconclusive(
            f"there is no program {name}; the test is a command such as `pytest -k name` or "
            "`python check.py`."
        )
    return [found, *rest]


def _variables(interpreter_of: Path, copy: Path) -> dict[str, str]:
    """Return variables that prefer the copy's package and an environment's programs."""
    source = copy / "src"
    path = os.pathsep.join([str(scripts(interpreter_of)), os.environ.get("PATH", os.defpath)])
    package = str(source if source.is_dir() else copy)
    own = {"PATH": path, "PYTHONPATH": package, "VIRTUAL_ENV": str(interpreter_of)}
    return {**UNTOUCHED, **own}
