"""DVC: apart from all layers, with stages that are the project's own commands; it can be left."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from maintain.stack.data import load_exporters
from maintain.stack.pins import by_name, parse_pins
from tests.render.conftest import Projects
from tests.render.parsers import requirements_of
from tests.render.questions import answers_of
from tests.support.catalog import ROOT, rows
from tests.support.copier_runs import commit, files_of, update

STACK = ROOT / "stack"
ROWS = [row for row in load_exporters(STACK) if row.exporter == "dvc"]
TRAINING = [row["framework"] for row in rows("frameworks") if row["framework"] != "none"]
DVC = {"data_versioning": "dvc"}


@pytest.fixture(params=TRAINING)
def project(request: pytest.FixtureRequest, projects: Projects) -> Path:
    """A project of each framework, with DVC."""
    return projects({**DVC, "training": request.param})


def stages_of(project: Path) -> dict[str, dict[str, Any]]:
    """Return the stages of a project."""
    content = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))
    stages: dict[str, dict[str, Any]] = content["stages"]
    return stages


def test_dvc_has_a_floor_and_pins_of_its_own() -> None:
    pins = by_name(parse_pins((STACK / "exporters" / "dvc.txt").read_text(encoding="utf-8")))
    for row in ROWS:
        assert row.floor.startswith(">="), row.package
        assert all(pin.version in SpecifierSet(row.floor) for pin in pins[row.name])
    assert "dvc" not in by_name(
        parse_pins((STACK / "constraints.txt").read_text(encoding="utf-8"))
    ), "no layer holds it"


def test_no_layer_asks_for_dvc_and_its_own_environment_does(project: Path) -> None:
    folder = project / "requirements" / "stack"
    names = {row.name for row in ROWS}
    asked = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.in")
        if {each.name for each in requirements_of(path)} & names
    }
    assert asked == {"exporters/dvc.in"}


def test_stages_are_the_projects_commands(project: Path) -> None:
    stages = stages_of(project)
    commands = {name: stage["cmd"] for name, stage in stages.items()}
    assert commands == {name: f"python keep.py {name}" for name in commands}
    assert list(commands) == ["data", "train", "evaluate", "export"]
    package = project / "src" / answers_of(project)["package_name"]
    assert all((package / "kit" / "commands" / f"{name}.py").is_file() for name in commands)
    sources = [each for stage in stages.values() for each in stage["deps"] if "src/" in each]
    assert sources and all((project / each).is_file() for each in sources)
    assert {"configs/train.yaml": None} in stages["train"]["params"]


def test_no_stage_can_remove_a_data_file(project: Path) -> None:
    """DVC removes the outputs of a stage before it runs, but for those that persist."""
    stages = stages_of(project)
    assert "${data.path}" in stages["train"]["deps"]
    outputs = [each for stage in stages.values() for each in stage.get("outs", ())]
    (model,) = [each for each in outputs if isinstance(each, str)]
    (kept,) = [each for each in outputs if isinstance(each, dict)]
    assert kept == {"data/manifest.json": {"cache": False, "persist": True}}
    package = project / "src" / answers_of(project)["package_name"]
    files = [path for path in (package / "task.py", package / "data.py") if path.exists()]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    name = model.removeprefix("models/")
    assert f'"name": "{name}"' in text or f'"{name}.txt"' in text, "what export calls it"


def test_git_takes_what_names_versions_and_no_data(project: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shutil.copytree(project / "data", tmp_path / "data")
    for name in ("own.npz", "own.npz.dvc", "more/own.npz", "more/own.npz.dvc"):
        path = tmp_path / "data" / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listing = ["git", "ls-files", "--others", "--exclude-standard", "data"]
    found = subprocess.run(listing, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert found.stdout.split() == [
        "data/.gitignore",
        "data/raw/more/own.npz.dvc",
        "data/raw/own.npz.dvc",
    ]


def test_no_image_gets_versions_of_data(project: Path) -> None:
    assert ".dvc" in (project / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_what_is_taken_back_leaves_the_users_files(projects: Projects, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects(DVC), project)
    (project / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    (project / ".dvc" / "config").write_text("[core]\n    remote = ours\n", encoding="utf-8")
    (project / "dvc.lock").write_text("schema: '2.0'\n", encoding="utf-8")
    commit(project, "Ours")
    before = files_of(project)
    update(project, {"data_versioning": "none"})
    after = files_of(project)
    gone = {path for path in before.keys() - after.keys() if "dvc" in path or "pipeline" in path}
    assert gone == {
        "requirements/stack/exporters/dvc.in",
        "requirements/stack/exporters/dvc.txt",
        *(path for path in before if path.endswith("/kit/pipeline.py")),
    }
    assert "docs/data-versions.md" not in after
    ours = ("dvc.yaml", "dvc.lock", ".dvcignore", ".dvc/config", "tests/pipeline/test_pipeline.py")
    assert {path: after[path] for path in ours} == {path: before[path] for path in ours}
    assert "\ndvc:" not in (project / "Makefile").read_text(encoding="utf-8")
    commit(project, "Without")
    update(project, DVC)
    again = files_of(project)
    assert {path: again[path] for path in ours} == {path: before[path] for path in ours}
    assert gone <= again.keys()
