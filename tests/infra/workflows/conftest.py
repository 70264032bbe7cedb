"""The workflows of every answer, and this repository's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.infra.workflows.files import ANSWERS, MATRIX, workflows
from tests.render.conftest import Projects, fast_copier, projects
from tests.support.copier_runs import ROOT, git

__all__ = ["fast_copier", "projects"]


@pytest.fixture(scope="session")
def rendered(projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a project for each set of answers, and this repository as ``own``.

    ``matrix`` is a folder with every workflow that any project of the matrix has, each text once.
    """
    found = {name: projects(answers) for name, answers in ANSWERS.items()}
    others = [projects(answers) for answers in MATRIX]
    matrix = gather([*found.values(), *others], tmp_path_factory.mktemp("workflows") / "matrix")
    git(matrix, "init", "--quiet")  # by which actionlint finds the root
    return {**found, "own": ROOT, "matrix": matrix}


def gather(projects: Iterable[Path], folder: Path) -> Path:
    """Copy the workflows of some projects into the folders that services read, each text once."""
    known: set[bytes] = set()
    for number, project in enumerate(projects):
        for path in (*workflows(project), *project.glob(".gitlab-ci.yml")):
            if path.read_bytes() not in known:
                place = folder / path.parent.relative_to(project) / f"{number}-{path.name}"
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)
            known.add(path.read_bytes())
    return folder


def check(folder: Path, *command: str | Path) -> str:
    """Run a program of this environment in a folder; it must find nothing."""
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
