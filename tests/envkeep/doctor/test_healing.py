"""The doctor heals a real project: one without locks or environment, then a damaged one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooks.new_project import machine_answers
from tests.envkeep.doctor.machines import without_shell
from tests.lifecycle.projects import Project
from tests.support.copier_runs import git, render

pytestmark = [without_shell(), pytest.mark.slow, pytest.mark.network]
SMALL = {"training": "none", "inference": "http-api"}


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    """Return a fresh clone of a project whose environment is small, without locks."""
    folder = render(template, tmp_path / "project", {**machine_answers(), **SMALL})
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return Project(folder)


def errors(report: dict[str, Any]) -> list[str]:
    return [each["message"] for each in report["findings"] if each["status"] == "error"]


def test_from_a_fresh_clone_to_a_whole_environment_and_back_to_it(project: Project) -> None:
    assert project.tools("doctor").returncode == 1
    done = project.tools("doctor", "--fix")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no errors" in done.stdout.splitlines()[-1]
    for command in ("make lock", "make install", "make setup"):
        assert f": {command}\n" in done.stdout
    assert (project.folder / ".git" / "hooks" / "pre-commit").exists()

    active, locks = project.active(), project.lock_texts()
    victim = next((project.folder / ".venv").glob("lib/python*/site-packages/idna/core.py"))
    victim.unlink()
    assert project.tools("doctor").returncode == 1
    healed = project.tools("doctor", "--fix", "--json")
    report = json.loads(healed.stdout)
    assert errors(report) == []
    assert healed.returncode == 0
    assert [(each["command"], each["error"]) for each in report["fixes"]] == [
        ("make install", None)
    ]
    assert project.active() != active
    assert (project.folder / ".venvs" / str(active)).is_dir(), "what was there stays"
    assert project.lock_texts() == locks
    assert project.python("-c", "import idna.core") == ""
