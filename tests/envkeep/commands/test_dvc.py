"""`dvc`: started from an environment of its own, and finds the project's Python as `python`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import pytest

from envkeep import commands
from envkeep.commands import dvc as command
from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT
from envkeep.errors import ToolError
from envkeep.paths import program, scripts
from envkeep.process import Completed
from envkeep.project.requirements import DVC, maker_of


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what is started, in a project with DVC whose environment is made."""
    calls: list[dict[str, Any]] = []

    def ensure(name: str) -> Path:
        print("Making it.")
        return tmp_path / name

    def run(words: list[object], **options: Any) -> Completed:
        calls.append({"words": [str(word) for word in words], **options})
        return Completed(3)

    monkeypatch.setattr(command, "exporters", lambda: (DVC,))
    monkeypatch.setattr(command.exporter, "ensure", ensure)
    monkeypatch.setattr(command, "run_program", run)
    monkeypatch.setattr(store, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(store, "ROOT", tmp_path)
    return calls


def test_all_words_go_to_dvc_and_its_exit_code_comes_back(
    started: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["repro", "--force", "-h"]
    assert command.run(argparse.Namespace(rest=words)) == 3
    assert started[0]["words"] == [str(program(tmp_path / DVC, "dvc")), *words]
    assert started[0]["mode"] == "foreground"
    assert capsys.readouterr().out == "", "what is printed there is DVC's alone"
    command.run(argparse.Namespace(rest=[]))
    assert started[1]["words"][1:] == ["--help"]


def test_stages_find_the_projects_python_first(
    started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/of/the/user")
    command.run(argparse.Namespace(rest=["repro"]))
    path = started[0]["env"]["PATH"].split(os.pathsep)
    assert path == [str(scripts(DEVELOPMENT.link)), "/of/the/user"]


def test_a_project_without_dvc_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "exporters", lambda: ("exporters/jam",))
    with pytest.raises(ToolError, match="data_versioning=dvc"):
        command.run(argparse.Namespace(rest=["repro"]))


def test_it_is_listed() -> None:
    listed = commands.find("dvc")
    assert listed is not None
    assert listed.help == command.HELP


def test_messages_name_the_command_that_makes_an_environment() -> None:
    assert [maker_of(name) for name in (DVC, "exporters/jam")] == ["make dvc", "make export"]
