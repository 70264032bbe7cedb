"""Projects that are rendered, locked and installed once and used by many tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks.machine_answers import BUILD
from hooks.new_project import machine_answers
from tests.lifecycle.projects import Checkpoint, Project, new_project, succeeded
from tests.support.browser import Browser, NoBrowserError, browser
from tests.support.catalog import checked_builds
from tests.support.loopback import serving
from tests.support.torch_index import make_torch_index


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield the answers that differ from the defaults on this machine: Python, torch's index.

    `PACKAGE_MANAGER=uv make test-slow TESTS=tests/lifecycle` makes all projects with another one.
    Poetry takes torch from an address alone, so a folder of this machine is served to it.
    """
    manager = os.environ.get("PACKAGE_MANAGER", "pip-tools")
    found = {**machine_answers(), "package_manager": manager}
    if manager != "poetry" or "torch_index" not in found:
        yield found
        return
    rows = [row for row in checked_builds() if row.build == BUILD]
    root = make_torch_index(tmp_path_factory.mktemp("torch-index"), rows).root
    with serving(root) as address:
        yield {**found, "torch_index": address}


@pytest.fixture(scope="session")
def small_project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """Return a project without training after ``make setup``."""
    project = Project(tmp_path_factory.mktemp("small") / "project")
    new_project(template, project.folder, {**answers, "training": "none"})
    succeeded(project.tools("setup"))
    return Checkpoint.of(project)


@pytest.fixture(scope="session")
def trained_project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    """Return a project whose example was trained and exported, with both environments.

    Its answers are the defaults, but for two GPU backends that do without a GPU here: a team's
    project works on a machine that has none of its GPUs. Poetry locks one.
    """
    backends = ["cuda"] if answers["package_manager"] == "poetry" else ["cuda", "mps"]
    project = Project(tmp_path_factory.mktemp("trained") / "project")
    new_project(template, project.folder, {**answers, "backends": backends})
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
