"""Run the project's own commands in the right environment, the same with and without make."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from envkeep.environments import health, store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind
from envkeep.errors import ToolError
from envkeep.lint import adopted, style
from envkeep.paths import ROOT, python, shown
from envkeep.process import envkeep_command, say
from envkeep.process import run as run_program
from envkeep.project.metadata import facts, is_adopted
from envkeep.project.requirements import exporters

OF_PRODUCTION = ("predict", "generate")
MAKES_EXPORTERS = "EXPORTER_COMMAND"
TASKS: dict[str, tuple[str, Callable[[], list[list[str]]]]] = {
    "test": ("run the tests", lambda: [["-m", "pytest"]]),
    "format": ("fix what ruff can fix and format", style.format_steps),
}


def project_commands() -> list[str]:
    """Return the commands of the project's package: one per module of its ``commands`` folder.

    A package that was there before the template has none that follow its ways.
    """
    if is_adopted():
        return []
    folder = ROOT / "src" / facts()["package_name"] / "commands"
    return sorted(path.stem.replace("_", "-") for path in folder.glob("[!_]*.py"))


def is_task(command: str) -> bool:
    """Tell whether a command passes further arguments on."""
    return command in TASKS or command in project_commands()


def add_tasks(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare one subcommand per task; what follows its name is passed on."""
    for name, (text, _) in TASKS.items():
        subcommands.add_parser(name, help=text, add_help=False).set_defaults(run=run_task)
    for name in project_commands():
        text = f"the project's own command {name}; --help says more"
        subcommands.add_parser(name, help=text, add_help=False).set_defaults(run=run_command)


def run_task(arguments: argparse.Namespace) -> int:
    """Run the steps of a task until one fails, in the development environment."""
    return run_steps(steps_of(arguments.command), arguments.rest)


def run_steps(steps: Sequence[Sequence[str]], rest: Sequence[str] = ()) -> int:
    """Run Python with the arguments of each step until one fails, in the active environment.

    Args:
        steps: The arguments.
        rest: Further ones, for each step.

    Returns:
        The exit code.

    Raises:
        ToolError: There is no environment yet.
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
    return (steps or TASKS[task][1])()


def run_command(arguments: argparse.Namespace) -> int:
    """Run a command of the package, in production's environment if it asks the model."""
    kind = PRODUCTION if arguments.command in OF_PRODUCTION else DEVELOPMENT
    command = [python_of(kind), "-m", facts()["package_name"], arguments.command, *arguments.rest]
    return run_program(
        command,
        env=_environments_of_exporters(arguments.command),
        mode="foreground",
    ).code


def _environments_of_exporters(command: str) -> dict[str, str]:
    """Return the variable by which `export` asks for an environment once it needs one."""
    if command != "export" or not exporters():
        return {}
    return {MAKES_EXPORTERS: json.dumps(envkeep_command("exporter"))}


def python_of(kind: Kind) -> str:
    """Return the interpreter of the active environment of a kind, as people type it.

    One that works but is not what the locks say is named, and taken.

    Raises:
        ToolError: There is none yet, or it cannot be used.
    """
    command = "make install" if kind is DEVELOPMENT else "make install-prod"
    generation = store.active(kind)
    if generation is None:
        store.require_free(kind.link)
        raise ToolError(f"there is no {kind.name} environment yet; run `{command}` first.")
    problem = health.problem_with(generation, kind, health.locks_of(generation, kind))
    if problem and problem.breaks:
        raise ToolError(
            f"{shown(kind.link)} is damaged: {problem.text}; `{command}` makes it anew."
        )
    if problem:
        print(
            f"note: {shown(kind.link)}: {problem.text}; `{command}` makes it anew.", file=sys.stderr
        )
    return shown(python(kind.link))
