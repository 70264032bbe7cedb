"""Environments of exporters: made when an export needs one, and apart from all others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lifecycle.projects import (
    ENVIRONMENT,
    Checkpoint,
    Project,
    error_sentence,
    pins_of,
    succeeded,
)
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("exporters")]

INT8 = "openvino-int8"


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and modification time of every file in a folder but for compiled ones."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def exported(project: Project, precision: str) -> dict[str, object]:
    """Return what an exported model says of itself."""
    folder = "digits" if precision == "float32" else f"digits-{precision}"
    text = (project.folder / "models" / folder / "metadata.json").read_text(encoding="utf-8")
    found: dict[str, object] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def trained(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """Return a project whose example was trained for OpenVINO and not yet exported."""
    project = Project(tmp_path_factory.mktemp("exporters") / "project")
    render(template, project.folder, {**answers, "inference": "openvino"})
    for target in ("setup", "data", "train"):
        project.make(target)
    Checkpoint.of(project)
    return project


def test_an_environment_is_made_when_it_is_first_needed(trained: Project) -> None:
    project, link = trained, trained.folder / f".venv-export-{INT8}"
    lock = pins_of((project.locks / "exporters" / f"{INT8}.txt").read_text(encoding="utf-8"))
    assert "torch" not in lock
    before = state_of((project.folder / ".venv").resolve())

    project.make("export")
    assert not link.exists(), "float32 needs no exporter"

    first = project.make("export", "--every-precision")
    assert "Making the environment of openvino-int8" in first.stderr
    environment = link.resolve()
    assert project.packages(link=link.name) == lock
    precisions = {name: exported(project, name) for name in ("float32", "float16", "int8")}
    assert [each["precision"] for each in precisions.values()] == list(precisions)

    made, model = state_of(environment), project.folder / "models" / "digits-int8"
    files = {path.name: path.read_bytes() for path in model.iterdir()}
    again = project.make("export", "--precision int8")
    assert "Making" not in again.stderr
    assert state_of(environment) == made
    assert {path.name: path.read_bytes() for path in model.iterdir()} == files
    assert state_of((project.folder / ".venv").resolve()) == before
    assert project.git("status", "--short") == ""

    status = succeeded(project.tools("status")).stdout
    assert f"{environment.name}, made" in status and "fits its lock" in status
    succeeded(project.tools("lock-check"))

    project.make("install-prod")
    shutil.rmtree(environment)
    result = project.command("predict", "models/digits-int8", "--verify", link=".venv-prod")
    assert result["examples"] == 360
    assert result["agreement"] >= 0.99
    assert 0 < result["max_abs_difference"] <= result["tolerance"] < 3
    assert result["metrics"]["accuracy"] >= 0.98


def test_without_make_one_sentence_says_what_to_do(trained: Project) -> None:
    command = [trained.python_path(), "-m", trained.package, "export", "--precision", "int8"]
    done = subprocess.run(
        command, cwd=trained.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert 'run `make export ARGS="--precision int8"`.' in sentence
    assert error_sentence(trained.tools("exporter", "jam")).endswith(f"it has {INT8}.")


def test_a_lock_with_a_wrong_hash_makes_no_environment(trained: Project) -> None:
    path = trained.locks / "exporters" / f"{INT8}.txt"
    text = path.read_text(encoding="utf-8")
    known, active = trained.environments(), trained.active(f".venv-export-{INT8}")
    path.write_text(re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", text), encoding="utf-8")
    try:
        done = trained.tools("exporter", INT8)
    finally:
        path.write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert done.stdout == ""
    assert trained.environments() == known
    assert trained.active(f".venv-export-{INT8}") == active
