"""Prove by imports that an environment holds what the requirements name.

``[tool.project]`` in pyproject.toml says of which packages another module proves it, or none.
"""

from __future__ import annotations

import json
import signal
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from packaging.utils import canonicalize_name

from envkeep.errors import CommandError, ToolError
from envkeep.paths import python
from envkeep.process import Completed, announce, run, say
from envkeep.project import named_environments, target
from envkeep.project.metadata import own_table
from envkeep.project.requirements import direct_names, exporters, layers

WORKER = Path(__file__).with_name("import_worker.py")
SETTING = "import-check"
EXAMPLE = 'opencv-python = "cv2", mypackage = false'
LONGEST = 300  # characters of a reason in the one sentence; what is longer is shown above it
Choice = str | Literal[False]


def seconds(
    folder: Path, names: Sequence[str], variables: Mapping[str, str] | None = None
) -> float:
    """Return the CPU time that packages take to import, in seconds.

    Args:
        folder: The environment.
        names: The packages.
        variables: What is added to the environment variables of its Python.

    Raises:
        CommandError: A package cannot be imported; what was printed was shown.
        ToolError: The project's setting cannot be understood.
    """
    command = [python(folder), "-P", WORKER, *arguments(names)]
    announce(command)
    return judge(run(command, env=variables, mode="capture", check=False))


def arguments(names: Sequence[str]) -> list[str]:
    """Return the arguments of the import check, with the project's choices.

    Raises:
        ToolError: The project's setting cannot be understood.
    """
    chosen = choices()
    for name in _unknown(chosen, names):
        say(f"note: {SETTING} in pyproject.toml names {name}, which no requirement asks for.")
    wanted = [name for name in names if chosen.get(name) is not False]
    return [f"{name}={chosen[name]}" if name in chosen else name for name in wanted]


def judge(done: Completed) -> float:
    """Return the seconds that a check that has ended took.

    Raises:
        CommandError: A package cannot be imported; what all of them printed was shown.
    """
    facts = _reported(done)
    if not done.code and "seconds" in facts:
        return float(facts["seconds"])
    text = f"{done.output.decode('utf-8', 'replace')}\n{done.errors}"
    print("".join(_of_packages(text)), end="", file=sys.stderr, flush=True)
    if "importing" not in facts:
        raise CommandError(f"the import check {_how(done)}; the reason is above.", text)
    problems = facts.get("problems") or {facts["importing"]: f"it {_how(done)}"}
    for name, problem in problems.items():
        if len(problem) > LONGEST:
            print(f"{name}: {problem}", file=sys.stderr, flush=True)
    raise CommandError(_sentence(problems), text)


def choices() -> dict[str, Choice]:
    """Return the module that checks a package, or False, from ``pyproject.toml``.

    Raises:
        ToolError: The setting is no table of that form.
    """
    table = own_table().get(SETTING, {})
    if not isinstance(table, dict) or not all(_is_choice(each) for each in table.values()):
        raise ToolError(
            f"{SETTING} in pyproject.toml must name a module, or false, for each package, such as "
            f"{_line(EXAMPLE)}, in the table [tool.project]."
        )
    return {canonicalize_name(name): choice for name, choice in table.items()}


def _is_choice(value: object) -> bool:
    if isinstance(value, str):
        return all(part.isidentifier() for part in value.split("."))
    return value is False


def _unknown(chosen: Mapping[str, Choice], names: Sequence[str]) -> list[str]:
    """Return choices for packages that nothing requires: misspelled, or no longer there."""
    left = set(chosen) - set(names)
    return sorted(left - _required()) if left else []


def _required() -> set[str]:
    backend = target.chosen().target.backend
    return set(direct_names([*layers(), *exporters(), *named_environments.names()], backend))


def _reported(done: Completed) -> dict[str, Any]:
    """Return what the check reported, the last lines over the earlier ones."""
    from envkeep.environments.import_worker import MARK

    lines = done.output.decode("utf-8", "replace").splitlines()
    rows = (json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK))
    return {key: value for row in rows for key, value in row.items()}


def _of_packages(text: str) -> Iterator[str]:
    """Yield the lines that the packages printed."""
    from envkeep.environments.import_worker import MARK

    lines = text.splitlines(keepends=True)
    yield from (line for line in lines if line.strip() and not line.startswith(MARK))


def _how(done: Completed) -> str:
    """Describe how a Python ended that an import killed."""
    if done.code >= 0:
        return f"ended Python with exit code {done.code}"
    try:
        return f"crashed Python ({signal.Signals(-done.code).name})"
    except ValueError:
        return f"crashed Python (signal {-done.code})"


def _sentence(problems: Mapping[str, str]) -> str:
    """Return all problems and the workaround, in one line."""
    reasons = "; ".join(
        f"{name}: {textwrap.shorten(text, LONGEST, placeholder=' ...')}"
        for name, text in problems.items()
    )
    example = ", ".join(f"{name} = false" for name in problems)
    return (
        f"the import check fails: {reasons.rstrip('.')}; if that must not stop it, name another "
        f"module, or false, in [tool.project] of pyproject.toml: {_line(example)}."
    )


def _line(choices: str) -> str:
    return SETTING + " = { " + choices + " }"
