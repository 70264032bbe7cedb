"""Projects that are rendered, locked and installed once and used by many tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks.new_project import machine_answers
from tests.lifecycle.projects import Checkpoint, Project, succeeded
from tests.support.browser import Browser, NoBrowserError, browser
from tests.support.copier_runs import render


@pytest.fixture(scope="session")
def answers() -> dict[str, str]:
    """Return the answers that differ from the defaults on this machine: Python, torch's index.

    `PACKAGE_MANAGER=uv make test-slow TESTS=tests/lifecycle` makes all projects with another one.
    """
    chosen = {"package_manager": os.environ.get("PACKAGE_MANAGER", "pip-tools")}
    return {**machine_answers(), **chosen}


@pytest.fixture(scope="session")
def small_project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """Return a project without training after ``make setup``."""
    project = Project(tmp_path_factory.mktemp("small") / "project")
    render(template, project.folder, {**answers, "training": "none"})
    succeeded(project.tools("setup"))
    return Checkpoint.of(project)


@pytest.fixture(scope="session")
def trained_project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """Return a project whose example was trained and exported, with both environments.

    Its answers are the defaults, but for two GPU backends that do without a GPU here: a team's
    project works on a machine that has none of its GPUs.
    """
    project = Project(tmp_path_factory.mktemp("trained") / "project")
    render(template, project.folder, {**answers, "backends": ["cuda", "mps"]})
    for target in ("setup", "data", "train", "export", "install-prod"):
        project.make(target)
    return Checkpoint.of(project)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a window of a browser."""
    try:
        with browser(tmp_path_factory.mktemp("browser")) as opened:
            yield opened
    except NoBrowserError as error:
        pytest.skip(str(error))
