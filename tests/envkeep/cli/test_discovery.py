"""Commands are found by their files; the one that was asked for is imported, and no other."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from envkeep import commands
from envkeep.cli import main as cli
from envkeep.project import target
from tests.support.engine import variables

ROOT = Path(__file__).parents[3]
SHARED = {"__init__", "project_tasks"}
IMPORTED = """
import sys
from envkeep.cli import main
try:
    main.main(sys.argv[1:])
except SystemExit:
    pass
prefix = "envkeep.commands."
names = sorted(name.removeprefix(prefix) for name in sys.modules if name.startswith(prefix))
print(*names, file=sys.stderr)
"""


def imported_by(*arguments: str) -> set[str]:
    """Return which modules of commands are imported for a command line."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        env=variables(ROOT / "template"),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("path", sorted(commands.FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_every_module_is_a_command_and_is_listed_with_its_help(path: Path) -> None:
    listed = {each.module: each for each in commands.listed().values()}
    if path.stem in SHARED:
        assert path.stem not in listed
        return
    module = importlib.import_module(f"envkeep.commands.{path.stem}")
    assert listed[path.stem].help == module.HELP
    assert listed[path.stem].aliases == getattr(module, "ALIASES", ())


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("try", "try_"),
        ("lock-all", "lock_all"),
        ("licences", "licenses"),
        ("generations", "environments"),
    ],
)
def test_a_name_or_an_alias_leads_to_its_module(name: str, module: str) -> None:
    found = commands.find(name)
    assert found is not None
    assert found.module == module


@pytest.mark.parametrize("name", ["try_", "lock_all", "project-tasks", "nonsense", "", "../errors"])
def test_nothing_else_is_a_command(name: str) -> None:
    assert commands.find(name) is None


def test_no_alias_is_a_command_of_its_own_or_of_two() -> None:
    aliases = [alias for each in commands.listed().values() for alias in each.aliases]
    assert len({*aliases, *commands.listed()}) == len(aliases) + len(commands.listed())


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        (["targets", "--help"], {"targets"}),
        (["status", "--help"], {"status"}),
        (["generations", "--help"], {"environments"}),
        (["install-prod", "--help"], {"install_prod", "install"}),
        (["--help"], set()),
    ],
)
def test_only_the_command_that_was_asked_for_is_imported(
    line: list[str], imported: set[str]
) -> None:
    assert imported_by(*line) == imported


@pytest.mark.parametrize("name", commands.listed())
def test_each_command_that_reports_takes_json(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(target, "declared", lambda: ("cpu",))
    listed = commands.listed()[name]
    reports = cli.reports(cli.module_of(listed))
    assert ("--json" in cli.parser_of(listed).format_help()) == reports
    assert reports or name in {"dvc", "format", "hook", "lab", "lint", "style", "test"}


def test_help_lists_the_commands_and_the_projects_own_with_their_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from envkeep.project import own_commands

    monkeypatch.setattr(own_commands, "names", lambda: ["train"])
    monkeypatch.setattr(own_commands, "help_of", lambda name: f"{name} a model")
    assert cli.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for each in commands.listed().values():
        assert f"  {each.name:<14} {each.help}" in lines
        assert not any(line.split()[:1] == [alias] for alias in each.aliases for line in lines)
    assert "  train          train a model" in lines
    assert "Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted." in lines
