"""Every framework with every runtime, from an empty folder to a prediction or to generated text."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from maintain.stack.data import load_frameworks
from tests.lifecycle.projects import Project, pins_of, succeeded
from tests.support.answer_sets import PAIRS, STACK
from tests.support.copier_runs import render
from tests.support.llama_server import ask, llama_server
from tests.support.tested_pairs import record_pair
from tests.support.torch_index import with_torchvision

pytestmark = [pytest.mark.network, pytest.mark.slow]

GENERATE = {row.framework: row.generates for row in load_frameworks(STACK)}
GENERATORS = [
    name for name, pair in PAIRS.items() if pair["inference"] in GENERATE[pair["training"]]
]
TEXTS = [
    name
    for name, pair in PAIRS.items()
    if pair["training"] == "huggingface" and name not in GENERATORS
]
UNTRAINED = [name for name, pair in PAIRS.items() if pair["training"] == "none"]
TRAINED = [name for name in PAIRS if name not in (*GENERATORS, *TEXTS, *UNTRAINED)]
ALONE = {
    "onnxruntime": {"onnxruntime", "numpy", "psutil"},
    "openvino": {"openvino", "numpy", "psutil"},
    "llama-cpp": {"xllamacpp", "psutil"},
    "openvino-genai": {"openvino-genai", "openvino-tokenizers", "openvino", "numpy", "psutil"},
    "http-api": {"openai", "httpx2"},
}
"""What production asks for, where it is not the training framework itself."""

NATIVE = {
    "pytorch": {"torch"},
    "jax": {"jax", "jaxlib"},
    "keras-torch": {"keras", "torch"},
    "keras-jax": {"keras", "jax", "jaxlib"},
}
"""What production holds of a framework that predicts itself."""

FRAMEWORKS = {package for packages in NATIVE.values() for package in packages}
OF_TRAINING = {"scikit-learn", "pydantic", "rich", "onnx", "onnxscript", "optax", "jax2onnx"}
OF_GENERATORS = {"torch", "transformers", "datasets", "accelerate", "peft", "gguf", "numpy"}
TEXT_TOLERANCES = {"llama-cpp": 0.04, "openvino-genai": 1e-3, "native": 1e-3}
EXPORTED_APART = {"openvino-genai"}
"""Runtimes whose models an environment of their own writes, which asks for torchvision."""


COMPOSED = {"configuration": "hydra", "data_versioning": "dvc"}
BESIDE: dict[str, dict[str, object]] = {
    "native": {"trackers": ["tensorboard"]},
    "onnxruntime": {**COMPOSED},
    "llama-cpp": {**COMPOSED},
}
"""What projects of a runtime get besides, so that it meets every framework and its tests."""


@pytest.fixture
def ran_here(
    answers: dict[str, str], record_property: Callable[[str, object], None]
) -> Callable[[str, Project], None]:
    """Return what records that a pair was run on this machine."""

    def record(name: str, project: Project) -> None:
        platform = project.locks.name.removesuffix("-cpu")
        python = answers["python_version"]
        record_pair(record_property, PAIRS[name], platform=platform, python=python)

    return record


def without_development(project: Project) -> Project:
    """Delete the environment that the model was trained in."""
    shutil.rmtree((project.folder / ".venv").resolve())
    (project.folder / ".venv").unlink()
    return project


@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_model_answers_the_same_without_its_training_environment(
    name: str,
    template: Path,
    answers: dict[str, str],
    tmp_path: Path,
    ran_here: Callable[[str, Project], None],
) -> None:
    runtime = PAIRS[name]["inference"]
    framework = name.removesuffix(f"-{runtime}")
    given = {**answers, **PAIRS[name], **BESIDE.get(runtime, {})}
    project = Project(render(template, tmp_path / "project", given))
    for target in ("setup", "data", "train", "export", "install-prod", "test", "lint"):
        project.make(target)
    locks = {layer: pins_of(text) for layer, text in project.lock_texts().items()}
    installed = project.packages(link=".venv-prod")
    without_development(project)
    result = project.command("predict", link=".venv-prod")
    assert result["examples"] == 360
    assert result["agreement"] == 1
    assert 10 * result["max_abs_difference"] <= result["tolerance"] < 1e-3
    assert result["metrics"]["accuracy"] >= 0.98
    of_keras = {"rich"} if "keras" in installed else set()
    of_jax = {"optax"} if name == "jax-native" else set()
    assert not (OF_TRAINING - of_keras - of_jax) & installed.keys()
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
    assert not others & installed.keys()
    ran_here(name, project)


@pytest.mark.parametrize("name", TEXTS)
def test_a_classifier_of_texts_answers_the_same_without_its_training_environment(
    name: str,
    template: Path,
    answers: dict[str, str],
    tmp_path: Path,
    ran_here: Callable[[str, Project], None],
) -> None:
    runtime = PAIRS[name]["inference"]
    given = {**answers, **PAIRS[name], **BESIDE.get(runtime, {})}
    project = Project(render(template, tmp_path / "project", given))
    for target in ("setup", "data", "train", "export", "install-prod", "test", "lint"):
        project.make(target)
    installed = project.packages(link=".venv-prod").keys()
    without_development(project)
    result = project.command("predict", link=".venv-prod")
    assert (result["examples"], result["agreement"]) == (300, 1)
    assert 10 * result["max_abs_difference"] <= result["tolerance"] < 1e-3
    assert result["metrics"]["accuracy"] >= 0.78
    assert ALONE[runtime] | {"tokenizers"} <= installed
    assert not (OF_TRAINING | OF_GENERATORS - ALONE[runtime]) & installed
    ran_here(name, project)


@contextmanager
def served(project: Project, version: str, folder: Path) -> Iterator[str]:
    """Let llama.cpp's server, from an environment of its own, serve the exported model."""
    python = folder / "bin" / "python"
    succeeded(_run(sys.executable, "-m", "venv", str(folder)))
    succeeded(_run(str(python), "-m", "pip", "install", "-q", f"xllamacpp=={version}"))
    model = project.folder / "models" / "alice" / "model.gguf"
    with llama_server(python, model, "alice") as server:
        yield server.url


@contextmanager
def whatever_generates(
    project: Project, locks: dict[str, dict[str, str]], runtime: str, folder: Path
) -> Iterator[None]:
    """Start the server that the project asks, if it asks one."""
    if runtime != "http-api":
        yield
        return
    with served(project, locks["20-train"]["xllamacpp"], folder) as url:
        ask(project.folder, url)
        yield


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_trained_model_writes_the_same_without_its_training_environment(
    name: str,
    template: Path,
    answers: dict[str, str],
    tmp_path: Path,
    ran_here: Callable[[str, Project], None],
) -> None:
    runtime = PAIRS[name]["inference"]
    given = {**answers, **PAIRS[name], **BESIDE.get(runtime, {})}
    if runtime in EXPORTED_APART and "torch_index" in given:
        given["torch_index"] = with_torchvision(str(given["torch_index"]), tmp_path / "wheels")
    project = Project(render(template, tmp_path / "project", given))
    for target in ("setup", "data", "train", "export", "install-prod", "test", "lint"):
        project.make(target)
    evaluation = project.command("evaluate")
    assert evaluation["loss"] < evaluation["loss_of_frequencies"] - 1
    assert evaluation["loss_of_frequencies"] < evaluation["loss_before"]
    locks = {layer: pins_of(text) for layer, text in project.lock_texts().items()}
    installed = project.packages(link=".venv-prod").keys()
    without_development(project)
    with whatever_generates(project, locks, runtime, tmp_path / "server"):
        result = project.command("generate", "--verify", link=".venv-prod")
        answer = project.command("generate", "Alice was", link=".venv-prod")
    assert result["equal_texts"] == result["texts"] > 4
    assert answer["text"].strip()
    if runtime == "http-api":
        assert result["places"] == 0
    else:
        assert result["places"] > 50
        assert result["agreement"] == 1.0
        assert result["max_abs_difference"] <= result["tolerance"] <= TEXT_TOLERANCES[runtime]
    if runtime == "native":
        assert {"torch", "transformers"} <= installed
        assert not {"datasets", "accelerate", "peft", "scikit-learn"} & installed
        assert locks["30-prod"]["torch"] == locks["10-torch"]["torch"]
    else:
        assert ALONE[runtime] <= installed
        assert not (OF_GENERATORS - ALONE[runtime]) & installed
    ran_here(name, project)


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_project_without_training_installs_tests_and_lints(
    name: str,
    template: Path,
    answers: dict[str, str],
    tmp_path: Path,
    ran_here: Callable[[str, Project], None],
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
    ran_here(name, project)
