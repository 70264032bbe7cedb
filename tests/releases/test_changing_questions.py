"""The patterns of docs/how-to/change-a-question.md, as they stand there, in staged releases."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from maintain import ROOT
from maintain.releases.answer_changes import CHANGES, load_changes, outlook
from maintain.releases.updates import stored_answers
from tests.support.copier_runs import (
    commit,
    copier,
    files_of,
    git,
    programs_that_copier_starts,
    release,
    render,
    stage,
    update,
)

PAGE = ROOT / "docs" / "how-to" / "change-a-question.md"
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```yaml\n# ([^\n]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RELEASES = ("1.0.0", "2.0.0", "3.0.0")
ANSWERS_FILE = "template/{{ _copier_conf.answers_file }}.jinja"
KEPT = ("copier.yml", "questions", "stack", ANSWERS_FILE)
ANSWERS: dict[str, Any] = {
    "style": "fancy",
    "tracker": "board",
    "schedule": "nightly",
    "parts": ["library", "site"],
    "image": False,
    "greeting": "Good morning",
}
"""Answers to release 1.0.0, none of them a default but nightly, which goes."""

BECOME: dict[str, Any] = {
    "appearance": "fancy",
    "tracker": "board",
    "schedule": "daily",
    "parts": ["library", "pages"],
    "container": "none",
    "engine": "fast",
}


def blocks() -> list[dict[str, str]]:
    """Return the blocks of each section of the page by their first line."""
    text = PAGE.read_text(encoding="utf-8")
    return [dict(BLOCK.findall(section)) for _, section in SECTION.findall(text)]


def questions_of(version: str) -> str:
    """Return the questions of a release: of each section its last block up to that release."""
    until = [f"release {each}" for each in RELEASES[: RELEASES.index(version) + 1]]
    return "\n".join(
        next((section[label] for label in reversed(until) if label in section), "")
        for section in blocks()
    )


def tagged(version: str) -> str:
    """Return the version in the staged template, above all real ones."""
    return f"99{version}"


def write_questions(template: Path, version: str) -> None:
    """Put the page's questions into a staged template; `answers_checked` stays the last one."""
    asked, own_check, check = questions_of(version).partition("answers_checked:")
    (template / "questions" / "35-page.yml").write_text(asked, encoding="utf-8")
    if own_check:
        (template / "questions" / "40-checks.yml").write_text(own_check + check, encoding="utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three releases of the template's questions with the page's, and hardly a file."""
    staged = stage(tmp_path_factory.mktemp("staged") / "template", tagged("0.9.0"))
    folder = tmp_path_factory.mktemp("small") / "template"
    (folder / "template").mkdir(parents=True)
    for name in KEPT:
        copy = shutil.copytree if (staged / name).is_dir() else shutil.copy
        copy(staged / name, folder / name)
    settings = folder / "copier.yml"
    line = "!include questions/40-checks.yml\n"
    text = settings.read_text(encoding="utf-8")
    assert text.count(line) == 1
    text = text.replace(line, f"!include questions/35-page.yml\n---\n{line}")
    settings.write_text(text, encoding="utf-8")
    git(folder, "init", "--quiet")
    for version in RELEASES:
        write_questions(folder, version)
        release(folder, tagged(version))
    return folder


def project_of(template: Path, folder: Path, answers: dict[str, Any]) -> Path:
    project = render(template, folder, answers, version=tagged(RELEASES[0]))
    commit(project, "First copy")
    return project


def updated_by_command_line(project: Path) -> dict[str, Any]:
    started = programs_that_copier_starts("update", "--defaults", str(project))
    assert set(started) == {"git"}
    return stored_answers(project)


def of_the_page(answers: dict[str, Any]) -> dict[str, Any]:
    """Return the answers to the page's questions."""
    names = {*ANSWERS, *BECOME, "look"}
    return {name: value for name, value in answers.items() if name in names}


def test_answers_survive_a_jump_over_all_releases(template: Path, tmp_path: Path) -> None:
    project = project_of(template, tmp_path / "project", ANSWERS)
    assert of_the_page(updated_by_command_line(project)) == BECOME


@pytest.mark.slow
def test_answers_survive_one_release_after_the_other(template: Path, tmp_path: Path) -> None:
    project = project_of(template, tmp_path / "project", ANSWERS)
    for version in RELEASES[1:]:
        update(project, version=tagged(version))
        commit(project, f"Update to {version}")
    assert of_the_page(stored_answers(project)) == BECOME
    before = files_of(project)
    release(template, tagged("3.0.1"))
    update(project)
    changed = {path for path, file in files_of(project).items() if file != before[path]}
    assert changed == {".copier-answers.yml"}, "but for the version, nothing"
    assert of_the_page(stored_answers(project)) == BECOME


def test_the_pages_rows_say_the_same(tmp_path: Path) -> None:
    rows = [row for section in blocks() for row in yaml.safe_load(section.get("changes", "[]"))]
    (tmp_path / CHANGES).parent.mkdir()
    (tmp_path / CHANGES).write_text(yaml.safe_dump(rows), encoding="utf-8")
    changes = load_changes(tmp_path)
    meant = outlook(changes, "1.0.0", {**ANSWERS, "engine": "fast"})
    assert (meant.answers, meant.refused) == (BECOME, False)
    assert outlook(changes, "1.0.0", {"engine": "exact"}).refused


def test_a_retired_choice_is_not_for_newcomers(template: Path, tmp_path: Path) -> None:
    given = ["--defaults", "--data", "tracker=board"]
    done = copier("copy", *given, str(template), str(tmp_path / "project"))
    assert done.returncode != 0
    assert "board is for projects that have it already: choose files." in done.stderr
    assert not (tmp_path / "project").exists()


@pytest.mark.slow
def test_a_choice_without_a_successor_stops_the_update(template: Path, tmp_path: Path) -> None:
    project = project_of(template, tmp_path / "project", {"engine": "exact"})
    before = files_of(project)
    done = copier("update", "--defaults", str(project))
    assert done.returncode != 0
    assert "exact is not an engine of this template: answer engine with fast." in done.stderr
    assert files_of(project) == before
    update(project, {"engine": "fast"})
    assert stored_answers(project)["engine"] == "fast"
