"""Every release ever made still renders, and a project made from it updates to the work tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.releases import load
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import commit, conflicts, files_of, render, update

RELEASES = [release.version for release in load()]
EDITS = {
    "README.md": "\nOur own words.\n",
    "requirements/40-dev.in": "tomli-w\n",
    "requirements/overrides.txt": "iniconfig==2.1.0\n",
    "local.mk": "\nours:  ## our target\n\t@echo ours\n",
    "pyproject.toml": "\n[tool.coverage.run]\nbranch = true\n",
    ".gitignore": "/scratch/\n",
}


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("name", ANSWER_SETS)
def test_an_edited_project_updates_without_a_conflict(
    template: Path, tmp_path: Path, version: str, name: str
) -> None:
    project = render(template, tmp_path / "project", ANSWER_SETS[name], version=version)
    commit(project, f"Copy of {version}")
    for path, text in EDITS.items():
        with (project / path).open("a", encoding="utf-8") as file:
            file.write(text)
    commit(project, "Our work")
    update(project, ANSWER_SETS[name])
    assert conflicts(project) == []
    for path, text in EDITS.items():
        assert (project / path).read_text(encoding="utf-8").endswith(text), path


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("name", ANSWER_SETS)
def test_a_project_left_alone_gets_every_file_of_the_template(
    template: Path, tmp_path: Path, version: str, name: str
) -> None:
    project = render(template, tmp_path / "project", ANSWER_SETS[name], version=version)
    before = files_of(project)
    commit(project, f"Copy of {version}")
    update(project, ANSWER_SETS[name])
    assert conflicts(project) == []
    found = files_of(project)
    fresh = files_of(render(template, tmp_path / "fresh", ANSWER_SETS[name]))
    for path, state in found.items():
        assert state in (fresh.get(path), before.get(path)), path
    shown_as_template_owned = {
        path for path, state in fresh.items() if b"Owned by the template" in state.content[:200]
    }
    assert {path: found[path] for path in shown_as_template_owned} == {
        path: fresh[path] for path in shown_as_template_owned
    }
