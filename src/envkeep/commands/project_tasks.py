"""Run the project's own commands in the right environment, the same with and without make."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from envkeep.commands import exporter
from envkeep.environments import health, links, store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind
from envkeep.errors import ToolError
from envkeep.lint import adopted, style
from envkeep.paths import ROOT, python, shown
from envkeep.process import envkeep_command, say
from envkeep.process import run as run_program
from envkeep.project.metadata import is_adopted, project_metadata
from envkeep.project.requirements import RAY, exporters

OF_PRODUCTION = ("predict", "generate")
OF_PRODUCTION_WHERE_IT_SERVES = ("serve", "load", "openapi")
BY_RAY = "--by ray"
MAKES_EXPORTERS = "EXPORTER_COMMAND"
TASKS: dict[str, Callable[[], list[list[str]]]] = {
    "test": lambda: [["-m", "pytest"]],
    "format": style.format_steps,
}


def run_steps(steps: Sequence[Sequence[str]], rest: Sequence[str] = ()) -> int:
    """Run Python with the arguments of each step until one fails, in the active environment.

    Args:
        steps: The arguments.
        rest: Further ones, for each step.

    Returns:
        The exit code.

    Raises:
        ToolError: The project has no environment yet.
    """
    interpreter = python_of(DEVELOPMENT)
    if not steps:
        say(adopted.NOTHING_SAID)
    for step in steps:
        code = run_program([interpreter, *step, *rest], mode="foreground").code
        if code:
            return code
    return 0


def steps_of(task: str) -> list[list[str]]:
    """Return the arguments of Python for each step of a task."""
    steps = adopted.STEPS.get(task) if is_adopted() else None
    return (steps or TASKS[task])()


def run_command(name: str, rest: Sequence[str]) -> int:
    """Run a command of the package, in production's environment if it asks the model.

    Args:
        name: The command.
        rest: Its arguments.
    """
    more = _environments_of_exporters(name)
    if RAY in exporters() and BY_RAY in " ".join(rest).replace("=", " "):
        interpreter = shown(python(_environment_of_ray()))
        more["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(ROOT / "src"), os.getenv("PYTHONPATH")])
        )
    else:
        interpreter = python_of(_kind_of(name))
    command = [interpreter, "-m", project_metadata()["package_name"], name, *rest]
    return run_program(command, env=more, mode="foreground").code


def _environment_of_ray() -> Path:
    with contextlib.redirect_stdout(sys.stderr), store.exclusive():
        return exporter.ensure(RAY)


def _kind_of(name: str) -> Kind:
    """Return the environment of a command; llama.cpp's server is in the development environment."""
    served = name in OF_PRODUCTION_WHERE_IT_SERVES and project_metadata().get("serves", False)
    return PRODUCTION if name in OF_PRODUCTION or served else DEVELOPMENT


def _environments_of_exporters(command: str) -> dict[str, str]:
    """Return the variable by which `export` asks for an environment once it needs one."""
    if command != "export" or not exporters():
        return {}
    return {MAKES_EXPORTERS: json.dumps(envkeep_command("exporter"))}


def python_of(kind: Kind) -> str:
    """Return the interpreter of the active environment of a kind, as people type it.

    One that works but is not what the locks say is named, and taken.

    Raises:
        ToolError: The environment does not exist yet, or cannot be used.
    """
    command = "make install" if kind is DEVELOPMENT else "make install-prod"
    environment = store.active(kind)
    if environment is None:
        links.require_free(kind.link)
        raise ToolError(f"there is no {kind.name} environment yet; run `{command}` first.")
    problem = health.problem_with(environment, kind, health.locks_of(environment, kind))
    if problem and problem.breaks:
        raise ToolError(f"{shown(kind.link)} is damaged: {problem.text}; `{command}` rebuilds it.")
    if problem:
        print(
            f"note: {shown(kind.link)}: {problem.text}; `{command}` rebuilds it.", file=sys.stderr
        )
    return shown(python(kind.link))
