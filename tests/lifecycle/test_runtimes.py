"""Every framework with every runtime, from an empty folder to a prediction."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project, pins_of
from tests.support.answer_sets import PAIRS
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow]

TRAINED = [name for name, pair in PAIRS.items() if pair["training"] != "none"]
UNTRAINED = [name for name in PAIRS if name not in TRAINED]
TOLERANCES = {
    "pytorch-onnxruntime": 1e-5,
    "pytorch-openvino": 1e-4,
    "pytorch-native": 1e-5,
    "jax-onnxruntime": 1e-4,
    "jax-openvino": 1e-4,
    "jax-native": 1e-5,
}
ALONE = {
    "onnxruntime": {"onnxruntime", "numpy", "psutil"},
    "openvino": {"openvino", "numpy", "psutil"},
    "llama-cpp": {"xllamacpp", "psutil"},
    "http-api": {"openai", "httpx2"},
}
"""What production asks for, where it is not the training framework itself."""

NATIVE = {"pytorch": {"torch"}, "jax": {"jax", "jaxlib"}}
"""What production holds of a framework that predicts itself."""

FRAMEWORKS = {package for packages in NATIVE.values() for package in packages}
OF_TRAINING = {"scikit-learn", "pydantic", "rich", "onnx", "onnxscript", "optax", "jax2onnx"}


def without_development(project: Project) -> Project:
    """Delete the environment that the model was trained in."""
    shutil.rmtree((project.folder / ".venv").resolve())
    (project.folder / ".venv").unlink()
    return project


@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_model_answers_the_same_without_its_training_environment(
    name: str, template: Path, answers: dict[str, str], tmp_path: Path
) -> None:
    framework, runtime = PAIRS[name]["training"], PAIRS[name]["inference"]
    project = Project(render(template, tmp_path / "project", {**answers, **PAIRS[name]}))
    for target in ("setup", "data", "train", "export", "install-prod", "test", "lint"):
        project.make(target)
    locks = {layer: pins_of(text) for layer, text in project.lock_texts().items()}
    installed = project.packages(link=".venv-prod")
    without_development(project)
    result = project.command("predict", "models/digits", "--verify", link=".venv-prod")
    assert result["images"] == 360
    assert result["classes_equal"] is True
    assert result["max_abs_difference"] <= TOLERANCES[name] == result["tolerance"]
    assert result["accuracy"] >= 0.98
    assert not OF_TRAINING & installed.keys()
    assert FRAMEWORKS & {each for lock in locks.values() for each in lock} == NATIVE[framework]
    if runtime == "native":
        for package in NATIVE[framework]:
            layer = "10-torch" if package == "torch" else "20-train"
            assert installed[package] == locks["30-prod"][package] == locks[layer][package]
    else:
        assert not FRAMEWORKS & installed.keys()
        assert ALONE[runtime] <= installed.keys()
    everything = {each for packages in ALONE.values() for each in packages}
    others = everything - ALONE.get(runtime, {"numpy", "psutil"})
    assert not others & {package for lock in locks.values() for package in lock}


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_project_without_training_installs_tests_and_lints(
    name: str, template: Path, answers: dict[str, str], tmp_path: Path
) -> None:
    project = Project(render(template, tmp_path / "project", {**answers, **PAIRS[name]}))
    for target in ("setup", "test", "lint", "install-prod"):
        project.make(target)
    installed = project.packages(link=".venv-prod")
    alone = ALONE[PAIRS[name]["inference"]]
    assert alone <= installed.keys()
    of_the_client = {"pydantic"} if "openai" in alone else set()
    assert not ((OF_TRAINING - of_the_client) | FRAMEWORKS) & installed.keys()
    assert ("numpy" in installed) == ("numpy" in alone)
    if PAIRS[name]["inference"] == "llama-cpp":
        assert installed.keys() == alone | {"my-ai-project"}
