"""The whole way for answers other than the defaults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maintain.stack.data import load_pythons, offered_pythons
from tests.lifecycle.projects import Project, pins_of, succeeded
from tests.support.answer_sets import PAIRS
from tests.support.copier_runs import ROOT, render

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.mark.xdist_group("pythons")
@pytest.mark.parametrize("version", offered_pythons(load_pythons(ROOT / "stack")))
def test_every_offered_python_works_without_training(
    template: Path, tmp_path: Path, version: str
) -> None:
    """torch itself runs here on one Python; everything above it can be run on all of them."""
    chosen = {"python_version": version, "training": "none"}
    project = Project(render(template, tmp_path / "project", chosen))
    setup = project.tools("setup")
    if f"Python {version} is not on this machine" in setup.stderr:
        pytest.skip(f"there is no Python {version} on this machine")
    succeeded(setup)
    assert project.python("--version").startswith(f"Python {version}.")
    for target in ("test", "lint", "install-prod"):
        project.make(target)
    assert re.search(r"^production .* fits the locks$", project.make("status").stdout, re.MULTILINE)


def test_keras_hub_goes_with_the_stack_and_into_training_alone(
    template: Path, answers: dict[str, str], tmp_path: Path
) -> None:
    chosen = {**answers, **PAIRS["keras-torch-onnxruntime"]}
    project = Project(render(template, tmp_path / "project", chosen))
    project.append("requirements/20-train.in", "keras-hub==0.32.0\n")
    succeeded(project.tools("lock", "--fast"))
    locks = {layer: pins_of(text) for layer, text in project.lock_texts().items()}
    holding = {layer for layer, pins in locks.items() if {"keras-hub", "tensorflow"} & pins.keys()}
    assert holding == {"20-train"}
    stack = project.folder / "requirements" / "stack" / "constraints.txt"
    assert locks["20-train"]["keras"] == pins_of(stack.read_text(encoding="utf-8"))["keras"]
