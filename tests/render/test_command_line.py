"""Copier's command line: untrusted, without questions, and clear about bad answers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.render.cells import PYTHONS
from tests.render.conftest import Projects
from tests.render.questions import answers_of
from tests.render.text_torture import TEXTS
from tests.support.copier_runs import (
    NEWEST,
    copier,
    copier_here,
    files_of,
    programs_that_copier_starts,
    stage,
)

PREFIX = re.compile(r"ValueError: (Validation error|Invalid choice) for (question )?'\w+': ")
"""What Copier 9.19.1 puts before the sentence."""

BAD: Mapping[str, tuple[Mapping[str, str], str]] = {
    "package-upper-case": ({"package_name": "My-Pkg"}, "a letter first"),
    "package-of-the-project": (
        {"package_name": "torch"},
        "use another name, such as torch_project",
    ),
    "package-keyword": ({"package_name": "class"}, "use another name, such as class_project"),
    "package-too-long": ({"package_name": "a" * 41}, "use 1 to 40 lower case letters"),
    "package-newline": ({"package_name": "abc\n"}, "use 1 to 40 lower case letters"),
    "package-empty": ({"package_name": ""}, "use 1 to 40 lower case letters"),
    "package-path": ({"package_name": "../up"}, "use 1 to 40 lower case letters"),
    "name-newline": ({"project_name": "a\nb"}, "remove line breaks and tabs"),
    "name-control": ({"project_name": "a\x1bb"}, "remove line breaks and tabs"),
    "name-empty": ({"project_name": ""}, "type some text"),
    "name-blank": ({"project_name": "   "}, "type some text"),
    "name-too-long": ({"project_name": "a" * 301}, "shorten it"),
    "description-newline": ({"project_description": "a\nb"}, "remove line breaks and tabs"),
    "author-too-long": ({"author_name": "a" * 301}, "shorten it"),
    "email": ({"author_email": "me at home"}, "write it as name@example.org, or leave it empty"),
    "email-newline": ({"author_email": "me@example.org\n"}, "write it as name@example.org"),
    "address": ({"repository_url": "ftp://host/x"}, "write it as https://host/team/project"),
    "address-quote": ({"repository_url": 'https://host/"x'}, "write it as https://host"),
    "index": ({"torch_index": "wheels"}, "write a web address (https://...) or the full path"),
    "index-newline": ({"torch_index": "/wheels\n"}, "remove line breaks and tabs"),
    "unknown-profile": (
        {"profile": "tiny"},
        "is not in ['minimal', 'recommended', 'everything']",
    ),
    "unknown-licence": ({"license": "GPL"}, "is not in ['MIT', "),
    "unknown-training": (
        {"training": "tensorflow"},
        "is not in ['pytorch', 'jax', 'keras', 'huggingface', 'none']",
    ),
    "unknown-inference": (
        {"inference": "tflite"},
        "is not in ['onnxruntime', 'openvino', 'native', 'llama-cpp', "
        "'openvino-genai', 'http-api']",
    ),
    "native-untrained": (
        {"training": "none", "inference": "native"},
        "native runs a model with the framework that trained it, and training is none: "
        "set inference to onnxruntime or openvino or llama-cpp or openvino-genai or http-api, or "
        "training to pytorch or jax or keras or huggingface.",
    ),
    "text-from-a-classifier": (
        {"inference": "llama-cpp"},
        "llama.cpp generates text with models in GGUF files, and training is pytorch: "
        "set inference to onnxruntime or openvino or native, or training to "
        "huggingface or none.",
    ),
    "a-server-for-a-classifier": (
        {"inference": "http-api"},
        "a server behind an HTTP API generates text, and training is pytorch: "
        "set inference to onnxruntime or openvino or native, or training to "
        "huggingface or none.",
    ),
    "a-server-for-a-generator": (
        {"training": "none", "inference": "llama-cpp", "serving": "true"},
        "the server is for models that predict, and this one generates text: "
        "set serving to false, or inference to another runtime.",
    ),
    "an-extra-of-language-models": (
        {"training": "huggingface", "inference": "onnxruntime", "extras": "[deepspeed]"},
        "deepspeed goes with models that generate text, and inference is onnxruntime: "
        "leave deepspeed out of extras, or set inference to "
        "llama-cpp or openvino-genai or native or http-api.",
    ),
    "unknown-extra": (
        {"extras": "[telepathy]"},
        "telepathy is not an extra of this template: answer extras with tuning",
    ),
    "an-extra-without-what-it-needs": (
        {"training": "none", "extras": "[tuning]"},
        "tuning searches the settings of a training, and training is none: "
        "leave tuning out of extras, or set training to pytorch or jax or keras.",
    ),
    "unknown-tracker": (
        {"trackers": "[telepathy]"},
        "telepathy is not a tracker of this template: "
        "answer trackers with mlflow or wandb or tensorboard.",
    ),
    "a-tracker-without-training": (
        {"training": "none", "trackers": "[mlflow]"},
        "trackers show trainings, and training is none: leave trackers empty, or choose a "
        "framework for training.",
    ),
    "unknown-way-to-scale-out": (
        {"scale_out": "[telepathy]"},
        "telepathy is not a way of this template to train with several processes: "
        "answer scale_out with torchrun or slurm or ray.",
    ),
    "several-processes-for-another-framework": (
        {"training": "jax", "scale_out": "[torchrun]"},
        "scale_out goes with PyTorch and Transformers, and training is jax: leave scale_out empty, "
        "or set training to pytorch or huggingface.",
    ),
    "ray-for-another-framework": (
        {"training": "huggingface", "scale_out": "[ray]"},
        "ray in scale_out goes with PyTorch, and training is huggingface: leave ray out, or set "
        "training to pytorch.",
    ),
    "python-too-old": (
        {"python_version": "3.9"},
        f"answer python_version with {' or '.join(PYTHONS)}.",
    ),
    "python-too-new": (
        {"python_version": "3.14"},
        f"answer python_version with {' or '.join(PYTHONS)}.",
    ),
}


def copy(template: Path, project: Path, answers: Mapping[str, str]) -> list[str]:
    """Return the arguments of a copy without questions and without trust."""
    data = [f"--data={name}={value}" for name, value in answers.items()]
    return ["copy", "--defaults", *data, str(template), str(project)]


def test_defaults_need_no_trust(template: Path, tmp_path: Path) -> None:
    done = copier(*copy(template, tmp_path / "project", {}))
    assert done.returncode == 0, done.stderr
    assert "Nothing was run" in done.stderr
    assert "make setup" in done.stderr
    assert not (tmp_path / "project" / ".git").exists()


def test_a_copy_starts_nothing_but_git(template: Path, tmp_path: Path) -> None:
    started = programs_that_copier_starts(*copy(template, tmp_path / "project", {}))
    assert set(started) == {"git"}


def test_the_newest_release_is_taken(template: Path, tmp_path: Path) -> None:
    done = copier(*copy(template, tmp_path / "project", {}))
    assert done.returncode == 0, done.stderr
    answers = (tmp_path / "project" / ".copier-answers.yml").read_text(encoding="utf-8")
    assert f"_commit: {NEWEST}\n" in answers
    assert "Warning" not in done.stderr


def test_a_checkout_of_any_name_is_copied_by_a_relative_path(
    projects: Projects, tmp_path: Path
) -> None:
    template = stage(tmp_path / "Größe und Maß" / "die Vorlage")
    done = copier("copy", "--defaults", ".", "../mein Projekt", cwd=template)
    assert done.returncode == 0, done.stderr
    found, expected = files_of(template.parent / "mein Projekt"), files_of(projects({}))
    assert found.keys() == expected.keys()
    assert {path for path in found if found[path] != expected[path]} == {".copier-answers.yml"}


def test_any_text_on_the_command_line(template: Path, tmp_path: Path) -> None:
    texts = {
        "project_name": TEXTS["jinja-expression"],
        "project_description": TEXTS["both-quotes"] + TEXTS["windows-path"] + TEXTS["emoji"],
        "author_name": TEXTS["shell-substitution"] + TEXTS["workflow-expression"],
    }
    done = copier(*copy(template, tmp_path / "project", texts))
    assert done.returncode == 0, done.stderr
    pyproject = (tmp_path / "project" / "pyproject.toml").read_text(encoding="utf-8")
    stated = tomllib.loads(pyproject)
    assert stated["project"]["description"] == texts["project_description"]
    assert stated["project"]["authors"] == [{"name": texts["author_name"]}]
    assert stated["tool"]["project"]["title"] == texts["project_name"]
    assert {name: answers_of(tmp_path / "project")[name] for name in texts} == texts
    assert texts["project_name"] in done.stderr
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_gets_one_sentence(name: str, template: Path, tmp_path: Path) -> None:
    answers, advice = BAD[name]
    done = copier_here(*copy(template, tmp_path / "project", answers), shared=True)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert PREFIX.match(last), last
    sentence = PREFIX.sub("", last)
    assert advice in sentence
    assert not re.search(r"[.!?] [A-Z]", sentence), "more than one sentence"
    assert not (tmp_path / "project").exists()


def test_a_refused_answer_leaves_what_is_there(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "README.md").write_text("ours\n", encoding="utf-8")
    before = files_of(project)
    given = copy(template, project, {"package_name": "torch"})
    assert copier_here(*given, shared=True).returncode != 0
    assert files_of(project) == before
