"""A team's year with one environment: tried, promoted, rolled back, saved, lost, restored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.lifecycle.projects import NEEDS_NAMESPACES, Project, error_sentence, succeeded
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow]

OURS = """
from importlib.metadata import version


def test_the_rich_that_we_know():
    assert version("rich") == "{}"
"""


@pytest.fixture
def project(template: Path, answers: dict[str, str], tmp_path: Path) -> Project:
    """Return a trained project with a test of the team's own."""
    project = Project(render(template, tmp_path / "project", answers))
    for target in ("setup", "data"):
        project.make(target)
    known = project.packages()["rich"]
    (project.folder / "tests" / "test_ours.py").write_text(OURS.format(known), encoding="utf-8")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "--message", "Our project")
    return project


def trained(project: Project) -> dict[str, float]:
    """Train and return the metrics to their last bit."""
    metrics: dict[str, float] = project.command("train", "--training.epochs", "2")["final_metrics"]
    return metrics


@NEEDS_NAMESPACES
def test_a_year_with_one_environment(project: Project, tmp_path: Path) -> None:
    known, active, metrics = project.packages()["rich"], project.active(), trained(project)
    assert active is not None

    bad = project.tools("try", f"rich<{known}")
    assert "the tests fail with it" in error_sentence(bad)
    assert (project.active(), project.git("status", "--short")) == (active, "")

    good = succeeded(project.tools("try", "tomli-w"))
    assert "the tests pass and the metrics are as expected" in good.stdout
    succeeded(project.tools("promote"))
    project.python("-c", "import tomli_w")
    assert trained(project) == metrics

    project.make("rollback")
    project.git("restore", ".")
    assert project.active() == active

    saved = tmp_path / "saved"
    succeeded(project.tools("save", str(saved)))
    lock_sha256 = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))["lock_sha256"]
    for path in (".venvs", ".cache"):
        shutil.rmtree(project.folder / path)
    (project.folder / ".venv").unlink()

    succeeded(project.tools_without_network("restore", str(saved)))
    assert project.active() == active == lock_sha256[:12]
    assert "fits the locks" in succeeded(project.tools("status")).stdout
    assert trained(project) == metrics
