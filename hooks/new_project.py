"""Start a project on this machine: detect, ask, copy the template, set the project up.

    python hooks/new_project.py DEST [--yes] [--data NAME=ANSWER ...] [--no-setup]

Copier alone would do, too, and runs no code: `copier copy`, then `make setup` in the project. This
adds the answers that depend on the machine, and the setup.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    import questionary
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from envkeep.process import envkeep_command
    from hooks.command_line import add_options, ended, folder, say
    from hooks.errors import HookError
    from hooks.machine_answers import Choice, Found, choose, detect
    from hooks.rendering import Request, check_answers, check_destination, render
except ModuleNotFoundError as error:
    sys.exit(f"error: {error.name} is not installed: run `make venv`, then use .venv/bin/python.")


def main(argv: Sequence[str] | None = None) -> int:
    """Start a project; an error that the user can fix becomes one sentence."""
    arguments = _parser().parse_args(argv)
    console = Console(highlight=False)
    return ended(lambda: start(arguments, console), lambda: _state_of(arguments.destination))


def start(arguments: argparse.Namespace, console: Console) -> int:
    """Detect, ask what only this command can ask, render, and set up.

    Raises:
        HookError: Something is missing or in the way, or the setup failed.
    """
    given = parse_answers(arguments.data)
    check_answers(given)
    check_destination(arguments.destination)
    if not arguments.yes and not sys.stdin.isatty():
        raise HookError("there is no terminal to ask on: add --yes to accept the defaults.")
    found = detect()
    choice = choose(found, given)
    show(console, found, choice, arguments.destination)
    fits = arguments.yes or _confirm("Use these?")
    with_setup = not arguments.no_setup and (
        arguments.yes or _confirm("Set the project up afterwards (git init, locks, environment)?")
    )
    if with_setup:
        say(console, "[1/2] Writing the project's files")
    for note in render(_request(arguments, given, choice, fits=fits)):
        say(console, f"note: {note}")
    if not with_setup:
        say(console, f"The project is in {arguments.destination}. Next, there: make setup")
        return 0
    say(console, "[2/2] Setting it up, in four steps")
    set_up(arguments.destination)
    return 0


def machine_answers() -> dict[str, str]:
    """Return the answers that make the template's defaults work on this machine.

    Raises:
        HookError: No Python that the template offers is here.
    """
    return choose(detect(), {}).answers()


def parse_answers(pairs: Sequence[str]) -> dict[str, str]:
    """Return NAME=ANSWER arguments as a dictionary.

    Raises:
        HookError: An argument has no name or no equals sign.
    """
    answers = {}
    for pair in pairs:
        name, separator, answer = pair.partition("=")
        if not (name and separator):
            raise HookError(f"--data {pair!r} is not NAME=ANSWER: write `--data training=none`.")
        answers[name] = answer
    return answers


def show(console: Console, found: Found, choice: Choice, destination: Path) -> None:
    """Print what was found and chosen, as a table on a terminal and as plain lines elsewhere."""
    rows = _rows(found, choice, destination)
    if not console.is_terminal:
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            say(console, f"{name:<{width}}  {value}")
        return
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    console.print(Panel(table, title="New project", title_align="left", expand=False))


def set_up(project: Path) -> None:
    """Run the project's own setup with its output on the terminal.

    Raises:
        HookError: The setup failed; the project stays as it was rendered.
    """
    code = subprocess.run(envkeep_command("setup"), cwd=project, check=False).returncode
    if code:
        raise HookError(
            f"the setup failed, its message is above; the project is in {project}: fix the cause "
            "and run `make setup` there.",
            exit_code=1,
        )


def _rows(found: Found, choice: Choice, destination: Path) -> list[tuple[str, str]]:
    rows = [("Machine", found.machine.describe())]
    for version in found.offered:
        rows.append((f"Python {version}", str(found.pythons.get(version, "not found"))))
    if found.torch:
        default = f"{found.torch.index}, the template's default"
        rows.append((f"torch {found.torch.version}", choice.torch_index or default))
    rows += [("Choice", choice.reason), ("Hardware", choice.hardware.reason)]
    return [*rows, ("Destination", str(destination))]


def _request(
    arguments: argparse.Namespace, given: dict[str, str], choice: Choice, *, fits: bool
) -> Request:
    """Return the copy to make; an unfit choice is only preselected in its question."""
    detected = choice.answers()
    return Request(
        source=arguments.source,
        destination=arguments.destination,
        answers={**detected, **given} if fits else given,
        preselected={} if fits else detected,
        ref=arguments.vcs_ref,
        ask=not arguments.yes,
    )


def _confirm(question: str) -> bool:
    return bool(questionary.confirm(question).unsafe_ask())


def _state_of(destination: Path) -> str:
    if (destination / ".copier-answers.yml").exists():
        return f"the project is in {destination}; run `make setup` there to go on."
    return f"nothing was written to {destination}."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Start a project on this machine: detect, ask, copy the template, set it up."
    )
    parser.add_argument("destination", metavar="DEST", type=folder, help="folder of the project")
    parser.add_argument("--yes", action="store_true", help="ask nothing, accept every default")
    parser.add_argument("--no-setup", action="store_true", help="only write the project's files")
    more = "; give the repository's web address if others shall update the project too"
    add_options(parser, about_source=more)
    return parser


if __name__ == "__main__":
    sys.exit(main())
