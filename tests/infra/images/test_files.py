"""The files about containers: lint-clean, of one mind, and all from the catalog."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infra.images.conftest import GPUS, WITH_DOCKER
from tests.infra.images.files import (
    ancestry,
    arguments,
    devcontainers,
    options_of_devcontainer,
    options_of_service,
    services,
    stages,
)
from tests.render.conftest import Projects
from tests.render.questions import answers_of
from tests.support.answer_sets import ANSWER_SETS, PAIRS
from tests.support.catalog import Row, rows
from tests.support.copier_runs import release, render, stage, texts_of

BUILDS = [row for row in rows("builds") if row["backend"] != "mps"]
REACHABLE = [row["backend"] for row in rows("backends") if row["container"]["base_image"]]
HOSTILE = 'https://mirror.example.org/$(touch pwn)"${HOME}`id`'


def checked(program: str, *command: str | Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def suffixed(target: str, backend: str) -> str:
    return target if backend == "cpu" else f"{target}-{backend}"


def backends_of(answers: Mapping[str, Any]) -> list[str]:
    """Return the backends of a project that containers reach."""
    chosen = answers.get("backends", []) if answers.get("training") != "none" else []
    return [name for name in REACHABLE if name == "cpu" or name in chosen]


def told_of(found: Mapping[str, Any], name: str) -> str:
    return "\n".join(line for each in ancestry(found, name) for line in each.instructions)


def test_dockerfiles_are_clean(folders: list[Path]) -> None:
    """Every stage of every project is in one of the files that are checked."""
    unseen = {each / "Dockerfile": stage_texts(each / "Dockerfile") for each in folders}
    chosen = []
    while any(unseen.values()):
        path = max(unseen, key=lambda each: len(unseen[each]))
        chosen.append(path)
        seen = unseen.pop(path)
        unseen = {each: texts - seen for each, texts in unseen.items()}
    checked("hadolint", "--failure-threshold=style", *chosen)


def stage_texts(dockerfile: Path) -> set[str]:
    """Return the texts of the stages of a Dockerfile, and what stands before them."""
    return set(re.split(r"^(?=FROM )", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_compose_files_fit_their_schema(folders: list[Path]) -> None:
    names = ("compose.yaml", "compose.override.yaml")
    schema = ["--builtin-schema", "vendor.compose-spec"]
    checked("check-jsonschema", *schema, *(folder / name for folder in folders for name in names))


@pytest.mark.parametrize("cell", WITH_DOCKER, ids=lambda cell: cell.name)
def test_targets_are_those_of_the_answers(cell: Any, projects: Projects) -> None:
    project, trains = projects(cell.answers), cell.answers.get("training") != "none"
    targets = [*(["train"] if trains else []), "dev"]
    if cell.answers.get("devcontainer", True):
        targets.append("devcontainer")
    expected = {suffixed(target, name) for target in targets for name in backends_of(cell.answers)}
    if answers_of(project)["inference"] in ("onnxruntime", "openvino"):
        expected.add("serverless")
    if answers_of(project)["serving"]:
        expected.add("serve")
    found = stages(project)
    helpers = re.compile(r"(base|layers)(-.*)?|locks|project|toolchain|torch-wheels")
    assert {name for name in found if not helpers.fullmatch(name)} == expected | {"prod"}
    assert list(found)[-1] == "prod", "a build without --target makes the last stage"
    for name in (expected | {"prod"}) - {"serverless"}:
        assert "USER 1000:1000" in found[name].instructions, name
    composed = re.compile(r"(dev|train)(-.*)?|serve")
    assert set(services(project)) == {"prod", *filter(composed.fullmatch, expected)}
    for name, service in services(project).items():
        assert service["build"]["target"] == name


@pytest.mark.parametrize("name", ANSWER_SETS)
def test_bases_are_the_catalogs_by_tag_and_digest(name: str, projects: Projects) -> None:
    answers = {**ANSWER_SETS[name], "python_version": "3.13"}
    project = projects(answers)
    images = {row["image"]: row for row in rows("images") if row["python"] == "3.13"}
    told = arguments(project)
    for argument, image in told.items():
        row = images[argument.removesuffix("_IMAGE").lower().replace("_", "-")]
        assert image == f"{row['reference']}@{row['digest']}"
    outside = {each.base for each in stages(project).values()} - stages(project).keys()
    assert outside - {"scratch"} == {f"${{{argument}}}" for argument in told}


@pytest.mark.parametrize("backend", REACHABLE)
def test_what_a_backend_needs_of_the_system_is_the_catalogs(
    backend: str, projects: Projects
) -> None:
    (row,) = (row for row in rows("backends") if row["backend"] == backend)
    container = row["container"]
    found = stages(projects(GPUS))
    told = found[suffixed("base", backend)].instructions if backend != "cpu" else ()
    release = container.get("debian_release")
    options = "--yes --no-install-recommends" + (f" --target-release {release}" if release else "")
    packages = re.findall(rf"apt-get install {options} (.*?) &&", "\n".join(told))
    assert packages == [" ".join(row["system_packages"])] * bool(row["system_packages"])
    variables = [line.removeprefix("ENV ") for line in told if line.startswith("ENV ")]
    expected = [f"{name}={value}" for name, value in container["environment"].items()]
    assert variables == [" ".join(expected)] * bool(expected)
    groups = re.findall(r"groupadd --system (\w+)", "\n".join(told))
    flags = container["device_flags"]
    assert [f"--group-add={group}" for group in groups] == [f for f in flags if "group-add" in f]
    others = {suffixed("base", other) for other in REACHABLE if other not in ("cpu", backend)}
    for target in ("train", "dev", "devcontainer"):
        bases = {each.name for each in ancestry(found, suffixed(target, backend))}
        assert suffixed("base", backend) in bases
        assert not bases & others


@pytest.mark.parametrize("build", BUILDS, ids=lambda row: str(row["build"]))
def test_torch_comes_from_the_index_of_the_chosen_build(build: Row, projects: Projects) -> None:
    backend = build["backend"]
    (row,) = (row for row in rows("backends") if row["backend"] == backend)
    chosen = {f"{backend}_build": build["build"]} if backend in ("cuda", "rocm") else {}
    project = projects({**GPUS, **chosen})
    found = stages(project)
    packages = ["torch", *(each["package"] for each in rows("companions"))]
    folders = [f"{build['index']}/{each}/" for each in [*packages, *build["index_packages"]]]
    expected = ["/torch-wheels", *(f"${{TORCH_INDEX}}/{each}" for each in folders)]
    for target in ("train", "dev"):
        told = told_of(found, suffixed(target, backend))
        pages = re.findall(r'ARG PIP_FIND_LINKS="(.*?)"', told)
        assert pages
        tied = told.count('PIP_FIND_LINKS="${PIP_FIND_LINKS:+${PIP_FIND_LINKS} }${TIED_PAGES}"')
        assert tied == told.count("--require-hashes --requirement /opt/image/")
        assert all(each.split() == expected for each in pages)
        service = services(project)[suffixed(target, backend)]
        assert options_of_service(service) == set(row["container"]["device_flags"])


def test_what_a_runtime_needs_of_the_system_is_in_every_image(projects: Projects) -> None:
    for name, answers in PAIRS.items():
        (row,) = (row for row in rows("runtimes") if row["runtime"] == answers["inference"])
        told = told_of(stages(projects(answers)), "prod")
        for package in row["system_packages"]:
            assert f"--no-install-recommends {package} " in told, name


def test_each_layer_is_installed_from_its_own_lock_alone_and_by_hash(projects: Projects) -> None:
    found = stages(projects(GPUS))
    for backend in REACHABLE:
        lines = [
            line
            for each in reversed(list(ancestry(found, suffixed("dev", backend))))
            for line in each.instructions
        ]
        copied = [line for line in lines if line.startswith("COPY --from=locks")]
        layers = ["10-torch", "20-train", "30-prod", "40-dev", "50-lint"]
        assert copied == [
            f"COPY --from=locks /chosen/{backend}/{layer}.txt /opt/image/" for layer in layers
        ]
        installing = [line for line in lines if "--requirement" in line]
        for layer, line in zip(layers, installing[-len(layers) :], strict=True):
            assert "--require-hashes" in line
            assert line.endswith(f"--requirement /opt/image/{layer}.txt")


def test_an_adopted_project_needs_nothing_of_the_example(projects: Projects) -> None:
    project = projects({"adopted": True})
    copied = [line for each in stages(project).values() for line in each.instructions]
    assert not [line for line in copied if line.startswith("COPY models/")]
    assert "serverless" not in stages(project)
    assert "volumes" not in services(project)["train"]


def test_production_has_neither_training_nor_pip(projects: Projects) -> None:
    found = stages(projects({}))
    assert [each.name for each in ancestry(found, "prod")] == ["prod", "base"]
    copied = [line for line in found["prod"].instructions if line.startswith("COPY --from")]
    assert {line.split()[1] for line in copied} == {"--from=layers-prod", "--from=project"}
    told = "\n".join(found["layers-prod"].instructions)
    assert "30-prod.txt" in told
    assert "10-torch" not in told
    assert any(line.startswith("HEALTHCHECK ") for line in found["prod"].instructions)


@pytest.mark.parametrize("backends", [[], ["cuda"], ["cuda", "rocm", "xpu", "mps"]])
def test_devcontainers_are_the_dockerfiles(backends: list[str], projects: Projects) -> None:
    project = projects({"backends": backends})
    found = devcontainers(project)
    by_backend = {content["containerEnv"]["BACKEND"]: path for path, content in found.items()}
    assert set(by_backend) == set(backends_of({"backends": backends}))
    flags = {row["backend"]: row["container"]["device_flags"] for row in rows("backends")}
    for backend, path in by_backend.items():
        content = found[path]
        assert (path.parent / content["build"]["dockerfile"]).resolve() == project / "Dockerfile"
        assert (path.parent / content["build"]["context"]).resolve() == project
        assert content["build"]["target"] in stages(project)
        assert options_of_devcontainer(content) == flags[backend]
        assert content["postCreateCommand"] == "make setup"
        assert "features" not in content
    assert by_backend["cpu"] == project / ".devcontainer" / "devcontainer.json", "Codespaces' own"


def test_a_devcontainer_user_is_the_images(projects: Projects) -> None:
    project = projects({})
    (content,) = devcontainers(project).values()
    assert f"useradd --uid 1000 --gid {content['remoteUser']} " in told_of(stages(project), "base")


def test_no_secret_and_nothing_made_gets_into_a_build(projects: Projects) -> None:
    ignored = (projects({}) / ".dockerignore").read_text(encoding="utf-8").splitlines()
    expected = {".git", "**/.env", "**/.env.*", ".venv", ".venvs", ".cache", "**/*.pem"}
    assert {*expected, "experiments"} <= set(ignored)


def test_text_of_people_gets_into_no_instruction(projects: Projects) -> None:
    project = projects({"torch_index": HOSTILE, "project_name": 'A "name" $(id) `id`'})
    for name in ("Dockerfile", "compose.yaml"):
        text = (project / name).read_text(encoding="utf-8")
        assert "$(touch" not in text
        assert "`id`" not in text
    checked("hadolint", project / "Dockerfile")


def test_a_change_in_the_stack_is_followed_everywhere(tmp_path: Path) -> None:
    image = next(row for row in rows("images") if row["python"] == "3.12")["reference"]
    index = next(row for row in rows("builds") if row["backend"] == "rocm")["index"]
    moved = {
        "images.yml": (image, "registry.example.org/python:3.12.99"),
        "backends.yml": ("--device=/dev/kfd", "--device=/dev/other"),
        "builds.yml": (f"  index: {index}\n", "  index: rocm99.9\n"),
        "release.yml": (rows("release")[0]["name"], "2031.01"),
    }
    template = stage(tmp_path / "template")
    for name, (old, new) in moved.items():
        path = template / "stack" / name
        text = path.read_text(encoding="utf-8")
        assert old in text, name
        path.write_text(text.replace(old, new), encoding="utf-8")
    release(template, "999.0.1")
    project = render(template, tmp_path / "project", GPUS, version="999.0.1")
    texts = texts_of(project)
    for old, _ in (moved["images.yml"], moved["backends.yml"]):
        assert not [path for path, text in texts.items() if old in text], old
    dockerfile = texts["Dockerfile"]
    assert f"ARG PYTHON_SLIM_IMAGE={moved['images.yml'][1]}@sha256:" in dockerfile
    assert 'stack-release="2031.01"' in dockerfile
    assert "${TORCH_INDEX}/rocm99.9/torch/" in dockerfile
    assert f"${{TORCH_INDEX}}/{index}/" not in dockerfile
    assert '"/dev/other:/dev/other"' in texts["compose.yaml"]
    assert '"--device=/dev/other"' in texts[".devcontainer/rocm/devcontainer.json"]
