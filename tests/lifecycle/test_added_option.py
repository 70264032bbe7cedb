"""The extra of docs/how-to/add-an-option.md: pinned, installed, tested, linted and used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.ownership import main as write_ownership
from tests.lifecycle.projects import Project
from tests.support.add_an_option import follow
from tests.support.copier_runs import NEWEST, ROOT, git, release, render, stage

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository after every step of the page, released."""
    folder = stage(tmp_path_factory.mktemp("option") / "template", "998.0.0")
    follow(folder)
    assert write_ownership([], folder) == 0
    subprocess.run(
        [sys.executable, "scripts/refresh_stack.py", "--keep"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=True,
    )
    release(folder, NEWEST)
    return folder


def test_the_stack_gets_one_more_pin(repository: Path) -> None:
    pins = (ROOT / "stack" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    now = (repository / "stack" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("==")[0] for line in now if line not in pins] == ["pyinstrument"]
    assert set(pins) <= set(now)
    assert git(repository, "diff", "--name-only", "998.0.0", NEWEST, "--", "stack").split() == [
        "stack/constraints.txt",
        "stack/extras.yml",
        "stack/requirements.yml",
    ]


def test_a_project_with_it_works(repository: Path, answers: dict[str, str], tmp_path: Path) -> None:
    chosen = {**answers, "training": "none", "extras": ["profiling"]}
    project = Project(render(repository, tmp_path / "project", chosen))
    for target in ("setup", "test", "lint"):
        project.make(target)
    assert "show where the time of another command goes" in project.make("help").stdout
    done = project.tools("profile", "predict", "no-such-model")
    assert done.returncode == 2
    assert "no-such-model" in done.stderr
    assert "Duration:" in done.stdout, "the report comes after the command"
