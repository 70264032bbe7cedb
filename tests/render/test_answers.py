"""Every answer arrives in the files that it is for, and the metadata of the project is valid."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.licenses import canonicalize_license_expression
from packaging.metadata import Metadata, RawMetadata
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.render.cells import TRACKERS
from tests.render.conftest import Projects
from tests.render.parsers import requirements_of
from tests.render.questions import answers_of
from tests.support.catalog import rows

GENERATORS = ("llama-cpp", "openvino-genai", "http-api")
OPENS_GGUF = ("llama-cpp", "http-api")


def computes_with(row: dict[str, Any]) -> str:
    """Return the library that computes for the training framework."""
    training = row["training"]
    of_framework = {"pytorch": "torch", "huggingface": "torch", "jax": "jax", "none": ""}
    return str(row["keras_backend"] if training == "keras" else of_framework[training])


def goes_through_onnx(row: dict[str, Any]) -> bool:
    """Tell whether a model of the framework becomes ONNX for OpenVINO too."""
    return row["training"] in ("jax", "keras") and row["inference"] in ("onnxruntime", "openvino")


def translates_jax(row: dict[str, Any]) -> bool:
    """Tell whether what JAX computes is written as ONNX."""
    return computes_with(row) == "jax" and row["inference"] in ("onnxruntime", "openvino")


def generates(row: dict[str, Any]) -> bool:
    """Tell whether the answers are those of a project that generates text."""
    native_text = (row["training"], row["inference"]) == ("huggingface", "native")
    return native_text or row["inference"] in GENERATORS


EXTRAS = [row["extra"] for row in rows("extras")]


def has_extra(name: str, answers: dict[str, Any]) -> bool:
    """Tell whether a project has an extra."""
    return name in answers["extras"]


def has_tracker(name: str, answers: dict[str, Any]) -> bool:
    """Tell whether a project has a tracker."""
    return name in answers["trackers"]


WHEN: dict[str, Callable[[dict[str, Any]], bool]] = {
    "always": lambda _: True,
    "uses_training": lambda row: row["training"] != "none",
    "loads_models": lambda row: row["inference"] != "http-api",
    "measures_memory": lambda row: (
        row["inference"] != "http-api" or row["training"] == "huggingface"
    ),
    "has_predictor": lambda row: not generates(row),
    "only_predicts": lambda row: row["training"] == "none" and not generates(row),
    "uses_torch": lambda row: computes_with(row) == "torch",
    "uses_jax": lambda row: computes_with(row) == "jax",
    "uses_onnxruntime": lambda row: row["inference"] == "onnxruntime",
    "uses_openvino": lambda row: row["inference"] == "openvino",
    "runs_torch": lambda row: (computes_with(row), row["inference"]) == ("torch", "native"),
    "runs_jax": lambda row: (computes_with(row), row["inference"]) == ("jax", "native"),
    "predicts_with_jax": lambda row: (row["training"], row["inference"]) == ("jax", "native"),
    "runs_keras": lambda row: (row["training"], row["inference"]) == ("keras", "native"),
    "trains_keras": lambda row: row["training"] == "keras",
    "trains_jax": lambda row: row["training"] == "jax",
    "trains_classifier": lambda row: row["training"] in ("pytorch", "jax", "keras"),
    "trains_huggingface": lambda row: row["training"] == "huggingface",
    "predicts_texts": lambda row: row["training"] == "huggingface" and not generates(row),
    "generates_native": lambda row: (
        (row["training"], row["inference"]) == ("huggingface", "native")
    ),
    "exports_gguf": lambda row: row["training"] == "huggingface" and row["inference"] in OPENS_GGUF,
    "exports_for_server": lambda row: (
        (row["training"], row["inference"]) == ("huggingface", "http-api")
    ),
    "uses_llama_cpp": lambda row: row["inference"] == "llama-cpp",
    "uses_openvino_genai": lambda row: row["inference"] == "openvino-genai",
    "uses_http_api": lambda row: row["inference"] == "http-api",
    "exports_openvino": lambda row: row["training"] != "none" and row["inference"] == "openvino",
    "exports_openvino_genai": lambda row: (
        (row["training"], row["inference"]) == ("huggingface", "openvino-genai")
    ),
    "writes_onnx": lambda row: (
        row["training"] != "none" and (row["inference"] == "onnxruntime" or goes_through_onnx(row))
    ),
    "translates_torch": lambda row: (
        row["training"] in ("pytorch", "huggingface") and row["inference"] == "onnxruntime"
    ),
    "translates_jax": lambda row: translates_jax(row),
    "uses_hydra": lambda row: row.get("configuration") == "hydra",
    "serves": lambda row: row.get("serving", False),
    "uses_ray": lambda row: "ray" in row.get("scale_out", []),
    "uses_dvc": lambda row: row.get("data_versioning") == "dvc",
    **{f"uses_{name}": partial(has_extra, name) for name in EXTRAS},
    **{f"uses_{name}": partial(has_tracker, name) for name in TRACKERS},
}
"""What the flags in ``stack/requirements.yml`` mean, written down a second time on purpose."""


@pytest.fixture
def answers(project: Path) -> dict[str, Any]:
    return answers_of(project)


@pytest.fixture
def pyproject(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))


def metadata_of(pyproject: dict[str, Any]) -> Metadata:
    """Return the core metadata that a build would write.

    Raises:
        ExceptionGroup: A value is not allowed there.
    """
    stated = pyproject["project"]
    raw: RawMetadata = {
        "metadata_version": "2.4",
        "name": stated["name"],
        "version": stated["version"],
        "summary": stated["description"],
        "requires_python": stated["requires-python"],
        "license_expression": stated["license"],
        "license_files": stated["license-files"],
        "project_urls": stated.get("urls", {}),
    }
    return Metadata.from_raw(raw)


def test_metadata_is_valid(project: Path, pyproject: dict[str, Any]) -> None:
    metadata = metadata_of(pyproject)
    assert canonicalize_license_expression(str(metadata.license_expression))
    assert (project / pyproject["project"]["readme"]).is_file()
    assert all((project / name).is_file() for name in pyproject["project"]["license-files"])


def test_python_is_the_same_everywhere(
    project: Path, pyproject: dict[str, Any], answers: dict[str, Any]
) -> None:
    python = answers["python_version"]
    assert (project / ".python-version").read_text(encoding="utf-8") == f"{python}\n"
    allowed = SpecifierSet(pyproject["project"]["requires-python"])
    assert list(allowed.filter(["3.10.1", "3.11.1", "3.12.1", "3.13.1"])) == [f"{python}.1"]
    assert f"Python {python}" in (project / "README.md").read_text(encoding="utf-8")


def test_people_and_address(pyproject: dict[str, Any], answers: dict[str, Any]) -> None:
    author = {"name": answers["author_name"], "email": answers["author_email"]}
    expected = {name: value for name, value in author.items() if value}
    assert pyproject["project"]["authors"] == [expected]
    urls = pyproject["project"].get("urls", {})
    assert urls == ({"Repository": answers["repository_url"]} if answers["repository_url"] else {})


def test_licence(project: Path, pyproject: dict[str, Any], answers: dict[str, Any]) -> None:
    text = (project / "LICENSE").read_text(encoding="utf-8")
    first = {
        "MIT": "MIT License",
        "Apache-2.0": "Apache License",
        "BSD-3-Clause": "BSD 3-Clause License",
        "Proprietary": "Copyright (c)",
    }[answers["license"]]
    assert text.splitlines()[0].strip().startswith(first)
    if answers["license"] != "Apache-2.0":
        owner = re.escape(answers["author_name"])
        assert re.search(rf"{answers['copyright_year']},? {owner}", text)
    own = {"Proprietary": "LicenseRef-Proprietary"}
    assert pyproject["project"]["license"] == own.get(answers["license"], answers["license"])


def test_package(project: Path, pyproject: dict[str, Any], answers: dict[str, Any]) -> None:
    package = answers["package_name"]
    assert [path.name for path in (project / "src").iterdir()] == [package]
    assert list(pyproject["project"]["scripts"].values()) == [f"{package}.cli:main"]
    assert (project / "src" / package / "cli.py").is_file()
    assert pyproject["tool"]["mypy"]["packages"] == [package]
    told = json.loads((project / "src" / package / "answers.json").read_text(encoding="utf-8"))
    known = ("project_name", "package_name", "training", "inference")
    assert {name: told[name] for name in known} == {name: answers[name] for name in known}


def test_files_beside_the_code_come_into_images(
    project: Path, pyproject: dict[str, Any], answers: dict[str, Any]
) -> None:
    folder = project / "src" / answers["package_name"]
    patterns = pyproject["tool"]["setuptools"]["package-data"][folder.name]
    taken = {path for pattern in patterns for path in folder.glob(pattern)}
    files = {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".py"}
    assert files - taken == set()


def test_torch_comes_from_the_given_index(project: Path, answers: dict[str, Any]) -> None:
    facts = tomllib.loads(
        (project / "requirements" / "stack" / "project.toml").read_text(encoding="utf-8")
    )
    assert facts["package_name"] == answers["package_name"]
    if computes_with(answers) != "torch":
        assert "torch" not in facts
    else:
        assert facts["torch"]["index"] == answers["torch_index"]


def test_layers_ask_for_what_the_stack_says(
    project: Path, template: Path, answers: dict[str, Any]
) -> None:
    rows = yaml.safe_load((template / "stack" / "requirements.yml").read_text(encoding="utf-8"))
    expected: dict[str, list[str]] = {"30-prod": []}  # Python alone is enough for some
    for row in rows:
        if WHEN[row["when"]](answers):
            marker = f" ; {row['marker']}" if "marker" in row else ""
            requirement = str(Requirement(row["package"] + row.get("floor", "") + marker))
            for name in files_of_row(row, answers, template):
                expected.setdefault(name, []).append(requirement)
    layers = (project / "requirements" / "stack").glob("*.in")
    asked = {path.stem: list(map(str, requirements_of(path))) for path in layers}
    assert asked == expected
    own = {path.stem for path in (project / "requirements").glob("*.in")}
    assert own == {name for name in expected if name.count("-") == 1}


def files_of_row(row: dict[str, Any], answers: dict[str, Any], template: Path) -> list[str]:
    """Return the files of requirements that a row stands in, without their suffix."""
    if not {"builds", "backends"} & row.keys():
        return [row["layer"]]
    builds = yaml.safe_load((template / "stack" / "builds.yml").read_text(encoding="utf-8"))
    chosen = {"cuda": answers.get("cuda_build"), "rocm": answers.get("rocm_build")}
    backends = {"cpu", *answers.get("backends", [])}
    return [
        f"{row['layer']}-{build['backend']}"
        for build in builds
        if build["backend"] in backends
        and chosen.get(build["backend"], build["build"]) == build["build"]
        and goes_with(row, build)
    ]


def goes_with(row: dict[str, Any], build: dict[str, Any]) -> bool:
    """Tell whether a row that names hardware means a build of torch."""
    left_out = build["build"] in row.get("not_for", ())
    of_backend = build["backend"] in row.get("backends", ()) and not left_out
    return of_backend or build["build"] in row.get("builds", ())


def test_every_direct_requirement_has_one_pin(project: Path) -> None:
    folder = project / "requirements" / "stack"
    for path in folder.glob("*.in"):
        pins = requirements_of(folder / "constraints.txt")
        hardware = folder / f"constraints-{path.stem.rpartition('-')[2]}.txt"
        pins += requirements_of(hardware) if hardware.exists() else []
        assert all(str(pin.specifier).startswith("==") for pin in pins)
        names = {pin.name.lower() for pin in pins} | {"torch"}
        assert {row.name.lower() for row in requirements_of(path)} <= names, path.name


def test_exporters_ask_for_what_the_stack_says_and_have_pins_of_their_own(
    project: Path, template: Path, answers: dict[str, Any]
) -> None:
    rows = yaml.safe_load((template / "stack" / "exporters.yml").read_text(encoding="utf-8"))
    expected: dict[str, list[str]] = {}
    for row in rows:
        if WHEN[row["when"]](answers):
            requirement = row["package"] + row.get("floor", "")
            expected.setdefault(row["exporter"], []).append(requirement)
    folder = project / "requirements" / "stack" / "exporters"
    asked = {path.stem: list(map(str, requirements_of(path))) for path in folder.glob("*.in")}
    assert asked == expected
    for name, packages in expected.items():
        pins = requirements_of(folder / f"{name}.txt")
        assert all(str(pin.specifier).startswith("==") for pin in pins)
        wanted = {Requirement(package).name.lower() for package in packages}
        assert wanted <= {pin.name.lower() for pin in pins}
    assert {path.stem for path in folder.glob("*.txt")} == expected.keys()


def test_rays_environment_has_every_layer_that_training_imports(projects: Projects) -> None:
    folder = projects({"scale_out": ["ray"]}) / "requirements" / "stack" / "exporters"
    lines = (folder / "ray.in").read_text(encoding="utf-8").splitlines()
    assert {f"-r ../../{layer}.in" for layer in ("10-torch", "20-train", "30-prod")} <= {*lines}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_readme_names_targets_that_exist(project: Path) -> None:
    readme = (project / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^    make ([a-z-]+)", readme, re.MULTILINE)
    asks = "generate" if generates(answers_of(project)) else "predict"
    assert {"setup", asks, "test"} <= set(targets)
    subprocess.run(
        ["make", "--dry-run", *targets], cwd=project, check=True, capture_output=True, text=True
    )
