"""Trackers: each is explained and has floors, and production gets none of their packages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from maintain.stack.data import load_requirements
from maintain.stack.pins import by_name, parse_pins
from tests.render.cells import TRACKERS
from tests.render.conftest import Projects
from tests.render.parsers import requirements_of
from tests.support.catalog import ROOT
from tests.support.copier_runs import commit, files_of, update

STACK = ROOT / "stack"
ADDED = [row for row in load_requirements(STACK) if row.when in {f"uses_{t}" for t in TRACKERS}]
TITLES = {"mlflow": "MLflow", "wandb": "Weights & Biases", "tensorboard": "TensorBoard"}


def test_each_tracker_is_explained(projects: Projects) -> None:
    guide = (ROOT / "docs" / "how-to" / "extras.md").read_text(encoding="utf-8")
    for tracker in TRACKERS:
        assert f"\n| `{tracker}` |" in guide
        page = (projects({"trackers": [tracker]}) / "docs" / "trackers.md").read_text("utf-8")
        found = {name for name, title in TITLES.items() if f"\n## {title}\n" in page}
        assert found == {tracker}


def test_no_package_is_without_a_floor_or_in_another_layer_than_training() -> None:
    pins = by_name(parse_pins((STACK / "constraints.txt").read_text(encoding="utf-8")))
    assert {row.when for row in ADDED} == {f"uses_{tracker}" for tracker in TRACKERS}
    for row in ADDED:
        assert row.floor.startswith(">="), row.package
        assert all(pin.version in SpecifierSet(row.floor) for pin in pins[row.name])
        assert row.layer == "20-train"
    assert "mlflow" not in pins, "it would be the one of 2022"


def test_production_asks_for_none_of_them(projects: Projects) -> None:
    names = {row.name for row in ADDED}
    for training in ("pytorch", "jax", "keras", "huggingface"):
        answers = {"training": training, "inference": "native", "trackers": list(TRACKERS)}
        folder = projects(answers) / "requirements" / "stack"
        asked = {
            path.stem: {each.name for each in requirements_of(path)} & names
            for path in folder.glob("*.in")
        }
        assert {layer for layer, found in asked.items() if found} == {"20-train"}
        assert asked["20-train"] == names


@pytest.mark.parametrize("tracker", TRACKERS)
def test_a_tracker_that_is_taken_back_leaves_records_and_tests(
    projects: Projects, tmp_path: Path, tracker: str
) -> None:
    project = tmp_path / "project"
    shutil.copytree(projects({"trackers": [tracker]}), project)
    (package,) = (project / "src").glob("*/kit/tracking")
    commit(project, "First copy")
    run = project / "experiments" / "20261130T000000.000000Z-one" / "run.json"
    run.parent.mkdir()
    run.write_text("{}", encoding="utf-8")
    assert (package / f"to_{tracker}.py").exists()
    update(project, {"trackers": []})
    assert not list(package.glob("to_*.py"))
    assert not (package / "trackers.py").exists()
    assert run.read_text(encoding="utf-8") == "{}"
    assert f"tests/trackers/test_{tracker}.py" in files_of(project)
    asked = (project / "requirements" / "stack" / "20-train.in").read_text(encoding="utf-8")
    assert tracker not in asked
