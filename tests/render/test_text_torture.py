"""Any text that people type comes back equal from every file; what no file can hold is refused."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.render.conftest import Projects
from tests.render.parsers import parse
from tests.render.questions import answers_of
from tests.render.test_answers import metadata_of
from tests.render.text_torture import FREE_TEXT, REFUSED, TEXTS, answers_for
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import files_of


@pytest.fixture(params=TEXTS)
def text(request: pytest.FixtureRequest) -> str:
    return TEXTS[request.param]


@pytest.fixture
def project(text: str, projects: Projects) -> Path:
    """Return a project in which the text is every free-text answer."""
    return projects(answers_for(text))


def test_every_file_parses(project: Path) -> None:
    for path in files_of(project):
        try:
            parse(project / path)
        except Exception as error:
            error.add_note(path)
            raise


def test_the_text_comes_back_from_pyproject(project: Path, text: str) -> None:
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["description"] == text
    assert pyproject["project"]["authors"] == [{"name": text}]
    assert pyproject["tool"]["project"]["title"] == text
    assert metadata_of(pyproject).summary == text


def test_the_text_comes_back_from_the_other_files(project: Path, text: str) -> None:
    facts = tomllib.loads(
        (project / "requirements" / "stack" / "project.toml").read_text(encoding="utf-8")
    )
    assert facts["torch"]["index"] == answers_for(text)["torch_index"]
    (told,) = (project / "src").glob("*/answers.json")
    assert json.loads(told.read_text(encoding="utf-8"))["project_name"] == text
    kept = answers_of(project)
    assert {name: kept[name] for name in FREE_TEXT} == answers_for(text)
    for name in ("README.md", "LICENSE"):
        assert text.strip() in (project / name).read_text(encoding="utf-8")


def test_nothing_in_the_text_is_run(project: Path) -> None:
    assert not list(project.rglob("pwned"))
    assert not Path("pwned").exists()


@pytest.mark.parametrize("name", ANSWER_SETS)
def test_every_answer_set_takes_such_text(name: str, projects: Projects) -> None:
    text = TEXTS["both-quotes"]
    answers = {"project_name": text, "project_description": text, "author_name": text}
    project = projects({**answers, **ANSWER_SETS[name], "license": "Proprietary"})
    assert {key: answers_of(project)[key] for key in answers} == answers
    for path in files_of(project):
        parse(project / path)


@pytest.mark.parametrize("name", FREE_TEXT)
@pytest.mark.parametrize("kind", REFUSED)
def test_control_characters_are_refused(kind: str, name: str, projects: Projects) -> None:
    text = REFUSED[kind] if name != "torch_index" else f"/{REFUSED[kind]}"
    with pytest.raises(ValueError, match="must be one line without control characters"):
        projects({name: text})
