"""The list that `make` prints: one text for a command, which the command itself has."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep import commands
from envkeep.commands import targets
from envkeep.project import own_commands
from envkeep.result import Result

MAKEFILE = """\
help:  ## list the targets
# Environment
status:  ##
environments:  ##
generations:
	@$(KEEP) environments
# Project
train:  ##
report:  ##
tune:  ##
data:  ##
mine:  ## what the team wrote
gone:  ##
"""


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Return what is listed of a makefile, in a project whose commands must not be imported."""
    folder = tmp_path / "src" / "shop" / "commands"
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(
        '"""`train`: trains."""\nraise SystemExit\nHELP = "train it"\n'
    )
    (folder / "report.py").write_text('"""Write a report.\n\nMore of it.\n"""\nraise SystemExit\n')
    (folder / "broken.py").write_text("def")
    (folder / "tune.py").write_text('"""Stand for the template\'s."""\n')
    kit = folder.parent / "kit" / "commands"
    kit.mkdir(parents=True)
    for name in ("train", "tune", "data"):
        (kit / f"{name}.py").write_text(f'HELP = "the template\'s {name}"\n')
    monkeypatch.setattr(own_commands, "SOURCE", tmp_path / "src")
    monkeypatch.setattr(own_commands, "project_metadata", lambda: {"package_name": "shop"})
    monkeypatch.setattr(own_commands, "is_adopted", lambda: False)
    monkeypatch.setattr(targets, "ROOT", tmp_path)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    parsed = targets.argparse.Namespace(makefiles=[])
    return targets.run(parsed)


def test_an_empty_help_is_that_of_the_command(listed: Result) -> None:
    texts = {row["name"]: row["help"] for row in listed.data}
    assert texts["status"] == commands.listed()["status"].help
    assert texts["train"] == "train it"
    assert texts["report"] == "Write a report."
    assert texts["mine"] == "what the team wrote"
    assert texts["gone"] == ""
    assert "generations" not in texts


def test_a_command_of_the_project_comes_before_that_of_the_template(listed: Result) -> None:
    texts = {row["name"]: row["help"] for row in listed.data}
    assert [texts[name] for name in ("train", "data")] == ["train it", "the template's data"]
    assert texts["tune"] == "the template's tune", "the file in commands/ only stands for it"
    assert own_commands.names() == ["broken", "data", "report", "train", "tune"]


def test_people_read_them_below_their_headings(listed: Result) -> None:
    assert listed.lines[:4] == [
        "  help           list the targets",
        "",
        "Environment",
        f"  status         {commands.listed()['status'].help}",
    ]
    assert listed.lines[-1] == targets.FOOTER
    assert [row["group"] for row in listed.data][:2] == ["", "Environment"]


def test_a_broken_module_has_no_help(listed: Result) -> None:
    assert own_commands.help_of("broken") == ""
