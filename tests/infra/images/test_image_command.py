"""``make image``: the right command for the engine that is there, or one sentence.

The engines are stand-ins that print what they are told.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envkeep.environments.import_worker import MARK
from envkeep.hardware.machine import detect
from tests.infra.images.conftest import IMPORTED, run_tools
from tests.lifecycle.projects import error_sentence, succeeded
from tests.render.conftest import Projects
from tests.support.catalog import torch_version
from tests.support.copier_runs import commit, git

PLATFORM = f"linux-{detect().architecture}"
LOCK = "{package}=={version} \\\n    --hash=sha256:" + "0" * 64 + "\n"

Make = Callable[..., Path]


@pytest.fixture
def make(projects: Projects, tmp_path: Path) -> Make:
    """Return a function that makes a committed project with locks for some backends."""

    def project_with(*locked: str, **answers: object) -> Path:
        project = tmp_path / "project"
        shutil.copytree(projects(answers), project)
        for backend in locked:
            folder = project / "requirements" / "locks" / f"{PLATFORM}-{backend}"
            folder.mkdir(parents=True)
            for layer in ("10-torch", "20-train", "30-prod", "40-dev", "50-lint"):
                package, version = ("torch", torch_version()) if "10" in layer else ("numpy", "1.0")
                text = LOCK.format(package=package, version=version)
                (folder / f"{layer}.txt").write_text(text, encoding="utf-8")
        commit(project, "First")
        return project

    return project_with


@pytest.mark.parametrize(
    ("engine", "build"),
    [
        ("docker", "docker build"),
        ("podman", "podman build --format=docker --layers"),
        ("buildah", "buildah bud --format=docker --layers"),
    ],
)
def test_every_engine_gets_the_target_its_labels_and_the_commits_time(
    engine: str, build: str, make: Make, fake_engines: Path
) -> None:
    project = make("cpu")
    commit_hash, time = git(project, "log", "-1", "--format=%H %ct").split()
    for other in {"docker", "podman", "buildah"} - {engine}:
        (fake_engines / other).unlink()
    said = succeeded(run_tools(project, fake_engines, "image")).stdout
    assert said.startswith(f"{build} --target prod --tag my-ai-project:prod ")
    assert f"--label org.opencontainers.image.revision={commit_hash} " in said
    assert "--label lock-sha256=" in said
    assert "--label backend=cpu" in said
    assert (f"--timestamp {time}" in said) == (engine != "docker")
    assert f"epoch {time}" in said
    assert said.endswith("\nBuilt my-ai-project:prod, 1.5GB.\n")
    assert "TORCH_INDEX" not in said, "production has no torch"
    (project / "README.md").write_text("changed\n")
    assert f"{commit_hash}-dirty" in run_tools(project, fake_engines, "image").stdout


def test_torch_comes_from_the_projects_index(make: Make, fake_engines: Path) -> None:
    project = make("cpu", "cuda", backends=["cuda"], torch_index="https://mirror.example.org/whl")
    told = ["image", "train", "--backend", "cuda", "--tag", "registry.example.org/t:1"]
    said = succeeded(run_tools(project, fake_engines, *told)).stdout
    assert "--target train-cuda --tag registry.example.org/t:1" in said
    assert "--label backend=cuda" in said
    assert "--build-arg TORCH_INDEX=https://mirror.example.org/whl ." in said


def test_a_folder_of_wheels_becomes_a_context(
    make: Make, fake_engines: Path, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    project = make("cpu", torch_index=str(wheels))
    said = succeeded(run_tools(project, fake_engines, "image", "train")).stdout
    assert f"--build-context torch-wheels={wheels} --build-arg PIP_FIND_LINKS=/torch-wheels" in said
    wheels.rmdir()
    sentence = error_sentence(run_tools(project, fake_engines, "image", "train"))
    assert f"the folder of torch wheels {wheels} does not exist" in sentence


def test_options_and_settings_of_pip_are_handed_on(make: Make, fake_engines: Path) -> None:
    project = make("cpu")
    told = ["--options=--no-cache --network=host", "--pip-config", "pip.conf"]
    said = succeeded(run_tools(project, fake_engines, "image", *told)).stdout
    assert f"--secret id=pip,src={project / 'pip.conf'}" in said
    assert "--no-cache --network=host ." in said


def test_what_cannot_be_built_is_refused_in_a_sentence(make: Make, fake_engines: Path) -> None:
    project = make("cpu", backends=["cuda"])
    refused = {
        ("image", "train", "--backend=cuda"): f"{PLATFORM}-cuda/10-torch.txt is missing",
        ("image", "train", "--backend=xpu"): "no target train-xpu; it has dev, dev-cuda, train,",
        ("image", "production"): "the Dockerfile has no target production; it has dev,",
        ("image", "--engine=kaniko"): "there is no kaniko here",
        ("image", "--smoke", "--engine=buildah"): "buildah runs no images; take docker or podman",
        ("image", "dev", "--smoke"): "--smoke tries prod alone",
    }
    for told, sentence in refused.items():
        assert sentence in error_sentence(run_tools(project, fake_engines, *told))
    for engine in ("docker", "podman", "buildah"):
        (fake_engines / engine).unlink()
    missing = "there is no docker or podman or buildah here"
    assert missing in error_sentence(run_tools(project, fake_engines, "image"))


NOT_IMPORTED = "\n".join(
    [
        f'{MARK}{{"importing": "numpy"}}',
        f'{MARK}{{"problems": {{"numpy": "ImportError: no libgomp.so.1"}}, "seconds": 0.1}}',
    ]
)
LOCKED_DOWN = "--rm --read-only --network=none --cap-drop=all --user=4321:8765"


def test_production_is_tried_as_strictly_as_it_can_be_run(make: Make, fake_engines: Path) -> None:
    project = make("cpu")
    said = succeeded(run_tools(project, fake_engines, "image", "--smoke"))
    run = f"$ docker run {LOCKED_DOWN}"
    assert f"{run} --interactive --entrypoint=python my-ai-project:prod - numpy" in said.stderr
    assert f"{run} my-ai-project:prod\n" in said.stderr
    assert "models holds no exported model, so none was asked to predict." in said.stdout
    (project / "models" / "ours").mkdir()
    (project / "models" / "ours" / "metadata.json").write_text("{}", encoding="utf-8")
    said = succeeded(run_tools(project, fake_engines, "image", "--smoke"))
    started = "--entrypoint=python my-ai-project:prod -m my_ai_project.kit.inference.health models"
    assert started in said.stderr


def test_a_model_that_generates_is_asked_by_its_own_health_check(
    make: Make, fake_engines: Path
) -> None:
    project = make("cpu", training="none", inference="llama-cpp")
    said = succeeded(run_tools(project, fake_engines, "image", "--smoke"))
    assert "none was asked to predict" in said.stdout
    (project / "models" / "tiny.gguf").write_bytes(b"GGUF")
    said = succeeded(run_tools(project, fake_engines, "image", "--smoke"))
    assert "--entrypoint=python my-ai-project:prod -m my_ai_project.kit.generation.health\n" in (
        said.stderr
    )
    last = (project / "Dockerfile").read_text(encoding="utf-8").rpartition("HEALTHCHECK")[2]
    assert '["python", "-m", "my_ai_project.kit.generation.health"]' in last


def test_an_exported_model_that_generates_is_asked_by_it_too(
    make: Make, fake_engines: Path
) -> None:
    project = make("cpu", training="huggingface", inference="native")
    (project / "models" / "ours").mkdir()
    (project / "models" / "ours" / "metadata.json").write_text("{}", encoding="utf-8")
    said = succeeded(run_tools(project, fake_engines, "image", "--smoke"))
    assert "--entrypoint=python my-ai-project:prod -m my_ai_project.kit.generation.health\n" in (
        said.stderr
    )
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    production = dockerfile[dockerfile.index(" AS layers-prod\n") :]
    assert "PIP_FIND_LINKS" in production[: production.index("COPY ")]


def test_an_adopted_package_is_imported_and_nothing_else_is_asked_of_it(
    make: Make, fake_engines: Path
) -> None:
    project = make("cpu", adopted=True)
    imports = "my-ai-project:prod -c 'import my_ai_project'"
    told = ("image", "--smoke")
    assert imports not in succeeded(run_tools(project, fake_engines, *told)).stderr
    (project / "my_ai_project").mkdir()
    said = succeeded(run_tools(project, fake_engines, *told)).stderr
    assert imports in said
    assert len(re.findall(r"^\$ docker run ", said, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (f"echo '{NOT_IMPORTED}'; exit 1", "numpy: ImportError: no libgomp"),
        (
            f"cat > /dev/null; case \"$*\" in *entrypoint*) echo '{IMPORTED}' ;; *) exit 3 ;; esac",
            "exit code 3",
        ),
    ],
    ids=["import", "start"],
)
def test_an_image_that_does_not_start_fails(
    code: str, sentence: str, make: Make, fake_engines: Path
) -> None:
    project = make("cpu")
    (fake_engines / "cat").symlink_to(str(shutil.which("cat")))
    docker = fake_engines / "docker"
    docker.write_text(f"#!/bin/sh\nif [ $1 = run ]; then\n{code}\nfi\n", encoding="utf-8")
    assert sentence in error_sentence(run_tools(project, fake_engines, "image", "--smoke"))


def test_without_a_dockerfile_the_sentence_says_how_to_get_one(
    make: Make, fake_engines: Path
) -> None:
    project = make(docker=False)
    said = error_sentence(run_tools(project, fake_engines, "image"))
    assert "--data docker=true" in said
