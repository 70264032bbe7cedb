"""The toy template, and a project that nobody has edited."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.envkeep.updates.toy import Toy, make_template


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the toy template; nobody may change it."""
    return make_template(tmp_path_factory.mktemp("toy") / "template")


@pytest.fixture(scope="session")
def copied(toy_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Return a committed copy of the first release; nobody may change it."""
    return Toy.copied(toy_template, tmp_path_factory.mktemp("copied") / "project")


@pytest.fixture
def toy(copied: Toy, tmp_path: Path) -> Toy:
    """Return a project of one's own."""
    shutil.copytree(copied.folder, tmp_path / "project", symlinks=True)
    return Toy(tmp_path / "project")
