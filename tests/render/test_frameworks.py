"""A project's training code is its owner's: no update makes it one for another framework."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.render.questions import answers_of
from tests.support.copier_runs import (
    Answers,
    commit,
    conflicts,
    copier_here,
    files_of,
    render,
    update,
)

JAX = "import jax\n"
OFF = {"training": "none", "inference": "onnxruntime"}


def uses_jax(project: Path) -> bool:
    (source,) = project.glob("src/*/train.py")
    return JAX in source.read_text(encoding="utf-8")


def refused(project: Path, training: str, **answers: str) -> str:
    """Return what an update to another framework says; it must not change a file."""
    before = files_of(project)
    data = [f"--data={name}={value}" for name, value in {"training": training, **answers}.items()]
    done = copier_here("update", "--defaults", *data, str(project))
    assert done.returncode != 0
    assert files_of(project) == before
    return " ".join(done.stderr.split())


@pytest.fixture
def copied(template: Path, tmp_path: Path, answers: Answers) -> Path:
    """Return a committed project of the newest release."""
    project = render(template, tmp_path / "project", answers)
    commit(project, "First copy")
    return project


@pytest.mark.parametrize("answers", [{"training": "pytorch"}])
def test_an_update_that_names_another_framework_is_refused(copied: Path) -> None:
    said = refused(copied, "jax")
    assert (
        "training code is yours and written for pytorch, so no update makes it one for jax" in said
    )
    assert "leave training at pytorch, or start a new project for jax" in said


@pytest.mark.parametrize("answers", [{"training": "huggingface"}])
def test_no_update_makes_a_language_model_a_classifier(copied: Path) -> None:
    said = refused(copied, "huggingface", inference="onnxruntime")
    assert "not that of a text classifier, so inference=onnxruntime does not fit it" in said
    assert "set inference to llama-cpp or openvino-genai or native or http-api, or start" in said
    assert "first_task" not in answers_of(copied)


@pytest.mark.parametrize("answers", [{"training": "huggingface", "inference": "onnxruntime"}])
def test_no_update_makes_a_text_classifier_a_language_model(copied: Path) -> None:
    said = refused(copied, "huggingface", inference="llama-cpp")
    assert "not that of a language model, so inference=llama-cpp does not fit it" in said
    assert "set inference to onnxruntime or openvino, or start a new project" in said
    update(copied, {"inference": "openvino"})
    assert conflicts(copied) == []
    assert (copied / "src/my_ai_project/kit/export/openvino.py").is_file()
    assert answers_of(copied)["first_task"] == "text-classification"
    commit(copied, "With OpenVINO")
    update(copied, OFF)
    assert conflicts(copied) == []
    assert "tokenizers\n" in (copied / "requirements/stack/30-prod.in").read_text(encoding="utf-8")
    assert "texts" in (copied / "src/my_ai_project/task.py").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("answers", [{"training": "jax"}])
def test_training_comes_back_as_the_same_framework_only(copied: Path) -> None:
    assert uses_jax(copied)
    update(copied, OFF)
    commit(copied, "Without training")
    assert "first_framework" in answers_of(copied)
    assert "written for jax, so no update makes it one for pytorch" in refused(copied, "pytorch")
    update(copied, {"training": "jax"})
    assert conflicts(copied) == []
    assert uses_jax(copied)


@pytest.mark.slow
@pytest.mark.parametrize("answers", [{"training": "none"}])
def test_a_project_without_training_takes_up_any_framework(copied: Path) -> None:
    update(copied, {"training": "jax"})
    assert conflicts(copied) == []
    assert uses_jax(copied)
    assert "jax\n" in (copied / "requirements/stack/20-train.in").read_text(encoding="utf-8")
    assert not (copied / "requirements" / "10-torch.in").exists()
    assert answers_of(copied)["first_framework"] == "jax"


@pytest.mark.slow
def test_a_project_of_a_release_that_knew_one_framework(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project", version="0.1.0")
    commit(project, "First copy")
    assert "written for pytorch, so no update makes it one for jax" in refused(project, "jax")
    update(project)
    assert answers_of(project)["first_framework"] == "pytorch"
