"""The demo's steps on a stand-in for a project, and its summary; the real one is `make demo`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hooks.errors import HookError
from hooks.rendering import Request
from maintain import demo
from maintain.demo import Environment, Outcome, last_json, size, summary_tables
from scripts.demo import main

PARITY = {
    "examples": 360,
    "metrics": {"accuracy": 0.9916666666666667},
    "agreement": 1.0,
    "max_abs_difference": 4.76837158203125e-06,
    "tolerance": 1e-05,
    "passed": True,
}
RESULTS: dict[str, dict[str, Any]] = {
    "train": {"run_id": "20261121-120000-digits-ab12"},
    "evaluate": {"accuracy": 0.9944444444444445, "examples": 360},
    "export": PARITY,
    "predict": {"model": "models/digits", **PARITY},
}
OUTCOME = Outcome(
    answers={"python_version": "3.11", "torch_index": "/wheels"},
    results=RESULTS,
    environments={
        "development": Environment(1141.6, True),
        "production": Environment(124.2, False),
    },
    seconds={"render": 1.6, "setup": 76.0, "train": 8.7},
)
# What stands in for the project's keep.py: it prints, and fails at the step that a variable names.
KEEP = """\
import json, os, pathlib, sys
command, results = sys.argv[1], json.loads(pathlib.Path("results.json").read_text())
print("$ python -m example", *sys.argv[1:])
if os.environ.get("FAILS_AT") == command:
    sys.exit("error: this step was told to fail.")
if "--json" in sys.argv:
    print(json.dumps(results[command]))
"""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the demo render a project that only says what the steps would say."""

    def render(request: Request) -> list[str]:
        request.destination.mkdir(parents=True)
        (request.destination / "keep.py").write_text(KEEP)
        (request.destination / "results.json").write_text(json.dumps(RESULTS))
        return []

    monkeypatch.setattr(demo, "render", render)
    monkeypatch.setattr(demo, "machine_answers", lambda: OUTCOME.answers)
    monkeypatch.setattr(demo, "has_torch", lambda folder: folder.name == ".venv")
    return tmp_path / "project"


def test_the_summary_is_taken_from_what_the_commands_say() -> None:
    assert OUTCOME.to_json() == {
        "answers": OUTCOME.answers,
        "accuracy": 0.9944444444444445,
        "accuracy_in_production": 0.9916666666666667,
        "parity": {
            "examples": 360,
            "agreement": 1.0,
            "max_abs_difference": 4.76837158203125e-06,
            "tolerance": 1e-05,
        },
        "environments": {
            "development": {"megabytes": 1141.6, "torch": True},
            "production": {"megabytes": 124.2, "torch": False},
        },
        "seconds": {"render": 1.6, "setup": 76.0, "train": 8.7},
    }


@pytest.mark.parametrize(
    "text",
    [
        "0.9944",
        "0.9917",
        "the same class              │ 100.0 %",
        "4.77e-06",
        "development │ 1142 MB │ with ",
        "production  │ 124 MB  │ without",
        "all    │ 86.3",
    ],
)
def test_the_tables_show_the_summary(text: str) -> None:
    console = Console(width=100)
    with console.capture() as shown:
        console.print(*summary_tables(OUTCOME.to_json()), sep="\n")
    assert text in shown.get()


def test_all_steps_run_and_the_summary_is_written(
    stand_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "summary.json"
    assert main(["--dest", str(stand_in), "--json", str(file)]) == 0
    summary = json.loads(file.read_text())
    assert summary["accuracy"] == RESULTS["evaluate"]["accuracy"]
    assert list(summary["seconds"]) == ["render", *demo.STEPS]
    logs = tmp_path / "project-logs"
    assert {path.stem for path in logs.iterdir()} == set(demo.STEPS)
    assert "models/digits --verify --json" in (logs / "predict.log").read_text()
    progress = capsys.readouterr().out.splitlines()[: len(demo.STEPS) + 1]
    assert [line.split()[0] for line in progress] == ["render", *demo.STEPS]
    assert not list(tmp_path.glob("*.new"))


def test_a_failing_step_ends_the_demo_with_its_output(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "STEPS", {"data": ("data",), "train": ("train", "--json")})
    monkeypatch.setenv("FAILS_AT", "train")
    assert main(["--dest", str(stand_in)]) == 1
    printed = capsys.readouterr()
    assert "error: this step was told to fail." in printed.out
    (line,) = printed.err.splitlines()
    log = stand_in.parent / "project-logs" / "train.log"
    assert line.startswith("error: step train failed with exit code 1; ")
    assert line.endswith(f"all of it is in {log}.")
    assert "this step was told to fail" in log.read_text()


def test_torch_in_production_is_a_failure(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "has_torch", lambda _: True)
    assert main(["--dest", str(stand_in)]) == 1
    expected = "error: the production environment can import torch; it must not.\n"
    assert capsys.readouterr().err == expected


def test_only_the_default_project_is_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine" / "file.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    monkeypatch.setattr(demo, "machine_answers", lambda: OUTCOME.answers)
    assert main(["--dest", str(mine.parent)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert mine.read_text() == "mine"

    monkeypatch.setattr(demo, "DEFAULT_PROJECT", mine.parent)
    demo.make_room(mine.parent)
    assert not mine.parent.exists()


def test_a_summary_without_a_folder_is_refused_before_anything_runs(
    stand_in: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "missing" / "summary.json"
    assert main(["--dest", str(stand_in), "--json", str(file)]) == 2
    assert f"the folder of {file} does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_last_line_of_json_counts() -> None:
    text = '$ python -m example\n{"accuracy": 0.5}\nepoch 1\n{"accuracy": 0.75}\na warning\n'
    assert last_json(text) == {"accuracy": 0.75}
    with pytest.raises(HookError, match="printed no JSON"):
        last_json("nothing\n")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_the_size_follows_the_link_and_counts_every_file_once(tmp_path: Path) -> None:
    environment = tmp_path / ".venvs" / "abc"
    (environment / "lib").mkdir(parents=True)
    (environment / "lib" / "a").write_bytes(b"x" * 1_500_000)
    (environment / "lib" / "b").hardlink_to(environment / "lib" / "a")
    (environment / "lib" / "c").write_bytes(b"x" * 500_000)
    (tmp_path / "outside").write_bytes(b"x" * 9_000_000)
    (environment / "lib64").symlink_to(environment / "lib")
    (environment / "python").symlink_to(tmp_path / "outside")
    (tmp_path / ".venv").symlink_to(environment)
    assert size(tmp_path / ".venv") == 2.0
