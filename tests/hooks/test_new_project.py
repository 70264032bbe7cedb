"""The hook from its command line to the project's folder; nothing is locked or installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import copier
import pytest
import yaml
from copier.errors import CopierAnswersInterrupt
from rich.console import Console

from envkeep.hardware.machine import Machine
from hooks import new_project, rendering
from hooks.machine_answers import Choice, Found, Torch
from hooks.new_project import machine_answers, main
from hooks.rendering import DIRTY, Request, questions
from tests.support.copier_runs import SHARED, commit, files_of, render

ROOT = Path(__file__).resolve().parents[2]
FOUND = Found(
    Machine("linux", "x86_64"),
    ("3.12", "3.11"),
    {"3.11": Path("/usr/bin/python3.11")},
    Torch("2.13.0+cpu", ("torch",), "https://example.org/whl"),
    {"3.11": Path("/wheels")},
)
CHOICE = Choice("3.11", "/wheels", "Python 3.11, as /wheels holds torch 2.13.0+cpu for it.")


@pytest.fixture(autouse=True)
def known_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the hook find a machine with Python 3.11 and a folder of wheels for it, and copy fast."""
    monkeypatch.setattr(new_project, "detect", lambda: FOUND)
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    with SHARED.active():
        yield


@pytest.fixture
def new(template: Path) -> Callable[..., int]:
    """Return a function that starts a project from the staged template without its setup."""
    return lambda project, *more: main(
        [str(project), "--yes", "--no-setup", "--source", str(template), *more]
    )


def answers_of(project: Path) -> dict[str, Any]:
    """Return the answers that a project remembers."""
    answers: dict[str, Any] = yaml.safe_load((project / ".copier-answers.yml").read_text())
    return answers


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(".")
    return line.removeprefix("error: ")


def test_a_project_is_what_plain_copier_makes(
    new: Callable[..., int], template: Path, tmp_path: Path
) -> None:
    assert new(tmp_path / "hook") == 0
    plain = render(template, tmp_path / "plain", machine_answers())
    assert files_of(tmp_path / "hook") == files_of(plain)
    assert answers_of(plain)["python_version"] == "3.11"
    assert answers_of(plain)["torch_index"] == "/wheels"


def test_given_answers_win(new: Callable[..., int], tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert new(project, "--data", "project_name=A = B", "--data", "torch_index=/mine") == 0
    assert answers_of(project)["project_name"] == "A = B"
    assert answers_of(project)["torch_index"] == "/mine"


def test_the_project_remembers_the_source_and_the_release(
    new: Callable[..., int], template: Path, tmp_path: Path
) -> None:
    assert new(tmp_path / "project", "--vcs-ref", "HEAD") == 0
    answers = answers_of(tmp_path / "project")
    assert answers["_src_path"] == str(template)
    assert answers["_commit"] == "999.0.0"


def test_missing_parents_are_made_and_an_empty_folder_is_taken(
    new: Callable[..., int], tmp_path: Path
) -> None:
    assert new(tmp_path / "a" / "b" / "project") == 0
    (tmp_path / "empty").mkdir()
    assert new(tmp_path / "empty") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "empty"]
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["project"]


def test_what_was_found_is_shown_in_plain_lines(
    new: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new(tmp_path / "project")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "Machine           linux-x86_64, no GPU found",
        "Python 3.12       not found",
        "Python 3.11       /usr/bin/python3.11",
        "torch 2.13.0+cpu  /wheels",
    ]
    assert lines[-1] == f"The project is in {tmp_path / 'project'}. Next, there: make setup"


def test_what_was_found_is_shown_in_a_panel_on_a_terminal() -> None:
    console = Console(force_terminal=True, width=100)
    with console.capture() as shown:
        new_project.show(console, FOUND, CHOICE, Path("/projects/[brackets]"))
    assert "New project" in shown.get()
    assert "[brackets]" in shown.get()
    assert CHOICE.reason in shown.get()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "colour=blue"], "the template has no question colour: use one of profile"),
        (["--data", "flags=x"], "the template has no question flags: use one of"),
        (["--data", "project_name"], "--data 'project_name' is not NAME=ANSWER"),
        (
            ["--data", "license=GPL"],
            "Copier refused: Invalid choice for 'license': 'GPL' is not in",
        ),
        (["--data", "author_email=x"], "Copier refused: Validation error for question 'author_em"),
        (["--data", "python_version=3.12"], "Python 3.12 is not on this machine: install it"),
        (["--vcs-ref", "no-such-release"], "Copier refused: Unknown revision: 'no-such-release'."),
        (["--source", "/no/such/folder"], "Copier refused: Local template must be a directory."),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(
    new: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    assert new(tmp_path / "parent" / "project", *arguments) == 2
    assert sentence in refusal(capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_template_that_cannot_be_reached_gets_gits_reason(
    new: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new(tmp_path / "project", "--source", "git+file:///no/such/repository") == 2
    assert refusal(capsys).startswith("git failed on the template: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_destination_that_is_taken_is_left_alone(
    new: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    taken = tmp_path / "taken"
    mine = taken if kind == "file" else taken / "mine.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    assert new(taken) == 2
    assert f"{taken} is {'a file' if kind == 'file' else 'not empty'}: name" in refusal(capsys)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]


def test_without_a_terminal_nothing_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "project")]) == 2
    assert refusal(capsys) == "there is no terminal to ask on: add --yes to accept the defaults."
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named() -> None:
    command = [sys.executable, "-S", str(ROOT / "hooks" / "new_project.py"), "project", "--yes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    sentence = "error: questionary is not installed: run `make venv`, then use .venv/bin/python.\n"
    assert done.stderr == sentence


@pytest.mark.parametrize("kind", [KeyboardInterrupt, CopierAnswersInterrupt])
def test_an_interrupted_copy_leaves_nothing(
    kind: type[BaseException],
    new: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(source: str, folder: Path, **_: object) -> None:
        folder.mkdir()
        (folder / "half").write_text("written")
        raise kind(*[None] * 3)

    monkeypatch.setattr(copier, "run_copy", interrupted)
    assert new(tmp_path / "project") == 130
    expected = f"interrupted: nothing was written to {tmp_path / 'project'}.\n"
    assert capsys.readouterr().err == expected
    assert list(tmp_path.iterdir()) == []


def test_a_failed_setup_leaves_the_project_and_says_how_to_go_on(
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing = [sys.executable, "-c", "raise SystemExit(3)"]
    monkeypatch.setattr(new_project, "envkeep_command", lambda _: failing)
    project = tmp_path / "project"
    assert main([str(project), "--yes", "--source", str(template)]) == 1
    assert f"the project is in {project}: fix the cause and run `make setup`" in refusal(capsys)
    assert answers_of(project)["python_version"] == "3.11"


def test_setup_is_run_in_the_project(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import pathlib, sys; pathlib.Path('was-set-up').write_text(' '.join(sys.argv[1:]))"
    command = new_project.envkeep_command
    python, launcher = command()
    assert (python, launcher) == (sys.executable, "keep.py")
    monkeypatch.setattr(
        new_project, "envkeep_command", lambda *given: [python, "-c", code, *command(*given)[1:]]
    )
    assert main([str(tmp_path / "project"), "--yes", "--source", str(template)]) == 0
    assert (tmp_path / "project" / "was-set-up").read_text() == "keep.py setup"


@pytest.mark.parametrize("fits", [True, False])
def test_detected_answers_are_asked_again_only_if_they_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: bool
) -> None:
    requests: list[Request] = []
    replies = iter([fits, False])
    monkeypatch.setattr(new_project, "_confirm", lambda _: next(replies))

    def keep(request: Request) -> list[str]:
        requests.append(request)
        return []

    monkeypatch.setattr(new_project, "render", keep)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    assert main([str(tmp_path / "project"), "--data", "license=MIT"]) == 0
    (request,) = requests
    detected = CHOICE.answers()
    assert request.ask
    assert request.answers == ({**detected, "license": "MIT"} if fits else {"license": "MIT"})
    assert request.preselected == ({} if fits else detected)


def test_uncommitted_changes_of_the_template_are_noted_once(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(template), str(clone)], check=True)
    (clone / "template" / "NEW.md").write_text("new\n")
    request = Request(str(clone), tmp_path / "project", machine_answers(), ref="HEAD")
    assert rendering.render(request) == [DIRTY]
    assert (tmp_path / "project" / "NEW.md").exists()
    assert capsys.readouterr().err == ""
    commit(clone, "Add a file")
    assert rendering.render(Request(str(clone), tmp_path / "clean", ref="HEAD")) == []


def test_only_questions_that_people_are_asked_are_answers() -> None:
    names = questions()
    assert {"project_name", "python_version", "torch_index", "training"} <= set(names)
    assert not {"flags", "stack_release", "offered_pythons"} & set(names)
