"""A Copier older than the template's minimum says so, and writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.render.questions import Questions
from tests.support.copier_runs import commit, files_of, render

pytestmark = [pytest.mark.network, pytest.mark.slow]

OLDER = "copier>=9.18,<9.19"
"""9.19.0 is older too, but fails before that on every template with git older than 2.43.1."""


@pytest.fixture(scope="module")
def older_copier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command of an older Copier in an environment of its own."""
    folder = tmp_path_factory.mktemp("older") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    program = folder / ("Scripts" if os.name == "nt" else "bin") / "copier"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", OLDER]
    subprocess.run([str(program.with_name("python")), *install], check=True)
    return program


def refused(program: Path, template: Path, *arguments: str) -> None:
    """Run an older Copier, which must name the minimum in its last line."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    minimum = Questions.of(template).settings["min_copier_version"]
    (said,) = done.stderr.strip().splitlines()
    assert f"This template requires Copier version >= {minimum}" in said


def test_a_copy_is_refused(older_copier: Path, template: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    refused(older_copier, template, "copy", "--defaults", str(template), str(project))
    assert not project.exists()


def test_an_update_is_refused(older_copier: Path, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project", version="0.1.0")
    commit(project, "First copy")
    before = files_of(project)
    refused(older_copier, template, "update", "--defaults", str(project))
    assert files_of(project) == before
