"""Settings composed by Hydra, in an environment of locks: its parser's runtime is built there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project, pins_of
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("composition")]

PACKAGES = {"hydra-core", "omegaconf", "antlr4-python3-runtime"}


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project whose settings Hydra composes, installed, with data."""
    folder = tmp_path_factory.mktemp("composition") / "project"
    chosen = {"training": "jax", "configuration": "hydra", "extras": ["tuning"]}
    made = Project(render(template, folder, {**answers, **chosen}))
    for target in ("setup", "data"):
        made.make(target)
    return made


def test_training_gets_hydra_and_production_does_not(project: Project) -> None:
    layers = {layer: pins_of(text).keys() for layer, text in project.lock_texts().items()}
    assert [layer for layer, pins in layers.items() if PACKAGES & pins] == ["20-train"]
    assert layers["20-train"] >= PACKAGES


def test_several_runs_make_as_many_records(project: Project) -> None:
    command = ("-m", project.package, "train", "--json", "-m", "experiment=fast", "seed=0,1,2")
    trained = [run["run_id"] for run in json.loads(project.python(*command))]
    recorded = sorted(path.parent.name for path in project.folder.glob("experiments/*/run.json"))
    assert trained == recorded and len(recorded) == 3
    assert not {"outputs", "multirun"} & {path.name for path in project.folder.iterdir()}


def test_its_tests_and_all_others_pass(project: Project) -> None:
    for target in ("test", "lint"):
        project.make(target)
