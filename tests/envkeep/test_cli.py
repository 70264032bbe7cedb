"""The command line imports the one command that was asked for, and knows all of them."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from envkeep import cli
from envkeep.commands import project_tasks
from envkeep.project import target
from tests.support.engine import variables

MODULES_OF_COMMANDS = """
import sys
from envkeep import cli
cli.build_parser(sys.argv[1])
prefix = "envkeep.commands."
print(*sorted(name.removeprefix(prefix) for name in sys.modules if name.startswith(prefix)))
"""
FOLDER = Path(cli.__file__).parent / "commands"
NO_COMMANDS = {"__init__", "project_tasks"}


def imported_for(command: str) -> list[str]:
    """Return which modules of commands are imported to parse the arguments of one."""
    started = [sys.executable, "-c", MODULES_OF_COMMANDS, command]
    root = Path(__file__).parents[2]
    return subprocess.run(
        started, env=variables(root / "template"), capture_output=True, text=True, check=True
    ).stdout.split()


def test_every_module_is_a_command_and_every_command_a_module() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")} - NO_COMMANDS
    assert sorted(map(cli.module_of, cli.COMMANDS)) == sorted(modules)


@pytest.mark.parametrize("command", ["targets", "status", "generations", "install-prod"])
def test_only_the_command_that_was_asked_for_is_imported(command: str) -> None:
    needed = {"install-prod": {"install"}}.get(command, set())
    assert set(imported_for(command)) == {cli.module_of(command), *needed}


@pytest.fixture
def of_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tools believe that they lie in a project with one command of its own."""
    monkeypatch.setattr(target, "declared", lambda: ("cpu",))
    monkeypatch.setattr(project_tasks, "project_commands", lambda: ["train"])


@pytest.mark.usefixtures("of_a_project")
@pytest.mark.parametrize("command", [*cli.COMMANDS, "test", "train"])
def test_one_command_is_parsed_as_among_all(command: str) -> None:
    alone, among_all = (_parsers(cli.build_parser(wanted)) for wanted in (command, None))
    assert alone[command].format_help() == among_all[command].format_help()
    assert len(alone) < len(among_all)


@pytest.mark.usefixtures("of_a_project")
@pytest.mark.parametrize("argument", [None, "--help", "nonsense"])
def test_who_names_no_command_meets_all(argument: str | None) -> None:
    assert [*_parsers(cli.build_parser(argument))] == [*cli.COMMANDS, "test", "format", "train"]


def _parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    assert parser._subparsers is not None
    [subcommands] = parser._subparsers._group_actions
    return dict(subcommands.choices or {})
