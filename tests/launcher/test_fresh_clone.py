"""A clone of a rendered project answers at once: no network, no environment, any path."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.lifecycle.projects import NEEDS_NAMESPACES, Project, succeeded
from tests.support.copier_runs import commit, git, render


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Project:
    """Return a clone whose path has blanks and umlauts."""
    project = render(template, tmp_path / "project")
    commit(project, "first")
    git(tmp_path, "clone", "--quiet", str(project), "Ein schöner Klon")
    return Project(tmp_path / "Ein schöner Klon")


@NEEDS_NAMESPACES
def test_make_answers_without_network(clone: Project) -> None:
    python = shlex.quote(sys.executable)
    make = f"make PYTHON={shlex.quote(python)}"
    assert "  install " in succeeded(clone.in_a_namespace(make)).stdout
    status = succeeded(clone.in_a_namespace(f"{make} status")).stdout
    assert "development  none: run `make install`" in status
    below = f"cd configs && {python} ../keep.py status"
    assert succeeded(clone.in_a_namespace(below)).stdout == status
    doctor = clone.in_a_namespace(f"{make} doctor")
    assert "The environment .venv is not there." in doctor.stdout
    assert not clone.git("status", "--porcelain")
