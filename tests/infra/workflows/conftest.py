"""The workflows of every answer, and this repository's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.workflows.files import ANSWERS
from tests.support.copier_runs import NEWEST, ROOT, git, render
from tests.support.fast_copier import FastCopier


@pytest.fixture(scope="session")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Return a project for each set of answers, and this repository as ``own``."""
    fast = FastCopier()
    folder = tmp_path_factory.mktemp("workflows")
    with fast.active():
        found = {
            name: render(template, folder / name, answers, version=NEWEST)
            for name, answers in ANSWERS.items()
        }
    fast.close()
    for project in found.values():
        git(project, "init", "--quiet")  # by which actionlint finds the root
    yield {**found, "own": ROOT}


def check(folder: Path, *command: str | Path) -> str:
    """Run a program of this environment in a folder; it must find nothing."""
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
