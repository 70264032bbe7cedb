"""Projects that are copied once and read by many tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.render.cells import BY_NAME, CELLS, Cell
from tests.render.questions import Questions
from tests.render.template_files import TemplateFiles
from tests.support.copier_runs import NEWEST, Answers, render
from tests.support.fast_copier import FastCopier
from tests.support.shared import made_once

Projects = Callable[[Answers], Path]


@pytest.fixture(scope="session")
def fast_copier() -> Iterator[FastCopier]:
    """Return what copies share."""
    fast = FastCopier()
    yield fast
    fast.close()


@pytest.fixture(scope="session")
def projects(
    template: Path, fast_copier: FastCopier, tmp_path_factory: pytest.TempPathFactory
) -> Projects:
    """Return a function from answers to a copied project, which nobody may change."""

    def project_of(answers: Answers) -> Path:
        key = hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:16]

        def make(folder: Path) -> None:
            with fast_copier.active():
                render(template, folder / "project", answers, version=NEWEST)

        return made_once(tmp_path_factory, key, make) / "project"

    return project_of


@pytest.fixture(params=[cell.name for cell in CELLS])
def cell(request: pytest.FixtureRequest) -> Cell:
    """Run a test in every cell."""
    return BY_NAME[request.param]


@pytest.fixture
def project(cell: Cell, projects: Projects) -> Path:
    """Return the project of a cell."""
    return projects(cell.answers)


@pytest.fixture(scope="session")
def questions(template: Path) -> Questions:
    """Return the template's questions."""
    return Questions.of(template)


@pytest.fixture(scope="session")
def template_files(template: Path) -> TemplateFiles:
    """Return the files under ``template/``."""
    return TemplateFiles(template)
