"""The whole template and the pinned Copier: nothing stands for anything else here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hooks.new_project import machine_answers
from tests.lifecycle.test_update import next_release
from tests.support.copier_runs import commit, files_of, git, release, render, stage

pytestmark = [pytest.mark.slow, pytest.mark.network]
BEFORE, AFTER = "998.0.0", "999.0.0"
SEEDS = {"README.md", "local.mk", "requirements/20-train.in"}
"""Files of the user that the next release changes for new copies."""


def make_update(project: Path) -> str:
    """Run ``make update`` with the Copier that the project pins, and return what it says."""
    kept = {name: value for name, value in os.environ.items() if name != "COPIER"}
    command = ["make", "update", "PYTHON=python3 -B", "ARGS=--in-place"]
    done = subprocess.run(
        command, cwd=project, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_project_left_alone_becomes_as_a_fresh_copy(tmp_path: Path) -> None:
    template = stage(tmp_path / "template", BEFORE)
    answers = machine_answers()
    project = render(template, tmp_path / "project", answers)
    commit(project, "Copy")
    seeds = {path: state for path, state in files_of(project).items() if path in SEEDS}
    next_release(template)
    release(template, AFTER)
    said = make_update(project)
    assert f"Template {BEFORE} -> {AFTER}, " in said
    git(project, "add", "--all")
    tracked = set(git(project, "ls-files", "-z").split("\0")) - {""}
    found = {path: state for path, state in files_of(project).items() if path in tracked}
    fresh = files_of(render(template, tmp_path / "fresh", answers))
    changed_models = {path for path in fresh if path.endswith("/model.py")}
    assert found.keys() == fresh.keys()
    differ = {path for path in found if found[path] != fresh[path]}
    assert differ == SEEDS | changed_models
    assert {path: found[path] for path in SEEDS} == seeds
    commit(project, "Update")
    assert "Already up to date" in make_update(project)
