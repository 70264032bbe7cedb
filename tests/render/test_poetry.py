"""A project with Poetry has its page and its tools; every other project is as before."""

from __future__ import annotations

import tomllib

import pytest

from tests.render.conftest import Projects
from tests.support.catalog import ROOT
from tests.support.copier_runs import files_of

POETRY = {"package_manager": "poetry"}
OWNERS = "requirements/stack/owners.json"
TOLD = {
    ".copier-answers.yml",
    "README.md",
    "docs/environment.md",
    "docs/poetry.md",
    "pyproject.toml",
    "requirements/stack/poetry.txt",
    "requirements/stack/project.toml",
}


def test_nothing_else_changes(projects: Projects) -> None:
    plain, by_poetry = (files_of(projects(answers)) for answers in ({}, POETRY))
    changed = {path for path in {*plain, *by_poetry} if plain.get(path) != by_poetry.get(path)}
    assert changed - {OWNERS} == TOLD


def test_poetry_finds_where_to_add_and_is_locked_with_hashes(projects: Projects) -> None:
    project = projects(POETRY)
    content = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert content["project"]["dependencies"] == []
    text = (project / "requirements" / "stack" / "poetry.txt").read_text(encoding="utf-8")
    assert (ROOT / "stack" / "poetry.txt").read_text(encoding="utf-8").rstrip() in text
    assert "poetry-plugin-export==" in text
    assert "--hash=sha256:" in text


def test_the_page_names_the_extra_and_what_poetry_cannot_do(projects: Projects) -> None:
    page = (projects({**POETRY, "backends": ["cpu", "cuda"]}) / "docs" / "poetry.md").read_text()
    assert "poetry install --extras cuda --only prod,prod-cuda" in page
    assert "Poetry itself has no layers" in page
    assert "cannot require a wheel for each platform" in " ".join(page.split())
    alone = (projects({**POETRY, "training": "none"}) / "docs" / "poetry.md").read_text("utf-8")
    assert "--extras" not in alone
    assert "20-train" not in alone


def test_several_gpus_are_refused_in_one_sentence(projects: Projects) -> None:
    with pytest.raises(ValueError, match="the CPU and one GPU backend, and `backends` has cuda, r"):
        projects({**POETRY, "backends": ["cpu", "cuda", "rocm"]})
