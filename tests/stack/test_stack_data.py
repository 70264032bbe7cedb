"""The data files hold what they must, and wrong rows are refused with file, row and reason."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from maintain.hardware_page import SERVED
from maintain.stack.catalog import load_catalog
from maintain.stack.data import (
    StackError,
    load_actions,
    load_backends,
    load_builds,
    load_companions,
    load_exporters,
    load_extras,
    load_frameworks,
    load_gpus,
    load_images,
    load_indexes,
    load_offered,
    load_platforms,
    load_pythons,
    load_release,
    load_requirements,
    load_reserved_names,
    load_runners,
    load_runtimes,
    load_sources,
    offered_pythons,
)
from maintain.stack.generated import load_inputs
from maintain.stack.pins import by_name, parse_pins
from maintain.tested_on import DATA as TESTED_ON
from maintain.tested_pairs import DATA as TESTED_PAIRS
from tests.support.catalog import STACK
from tests.support.copier_runs import ROOT

LOADERS: dict[str, Callable[[Path], object]] = {
    "release.yml": load_release,
    "pythons.yml": load_pythons,
    "requirements.yml": load_requirements,
    "exporters.yml": load_exporters,
    "offered.yml": load_offered,
    "reserved_names.yml": load_reserved_names,
    "sources.yml": load_sources,
    "platforms.yml": load_platforms,
    "backends.yml": load_backends,
    "builds.yml": load_builds,
    "gpus.yml": load_gpus,
    "companions.yml": load_companions,
    "images.yml": load_images,
    "indexes.yml": load_indexes,
    "actions.yml": load_actions,
    "runners.yml": load_runners,
    "frameworks.yml": load_frameworks,
    "runtimes.yml": load_runtimes,
    "extras.yml": load_extras,
}


def test_every_file_is_read_and_valid(stack: Path) -> None:
    assert {path.name for path in stack.glob("*.yml")} == {
        *LOADERS,
        TESTED_ON.name,
        TESTED_PAIRS.name,
        SERVED.name,
    }
    for name, load in LOADERS.items():
        assert load(stack) or name == "indexes.yml"
    load_catalog(stack)


def test_offered_pythons_are_one_to_three_behind_the_newest(stack: Path) -> None:
    assert offered_pythons(load_pythons(stack)) == ["3.12", "3.13", "3.11"]
    assert offered_pythons(["3.15", "3.14", "3.13", "3.12", "3.11"]) == ["3.13", "3.14", "3.12"]


def test_too_few_pythons_are_refused() -> None:
    with pytest.raises(StackError, match="holds 3 versions"):
        offered_pythons(["3.14", "3.13", "3.12"])


def test_production_asks_for_torch_only_when_it_predicts_with_it(stack: Path) -> None:
    rows = [row for row in load_requirements(stack) if row.layer == "30-prod"]
    assert {row.package: row.when for row in rows} == {
        "numpy": "has_predictor",
        "psutil": "loads_models",
        "onnxruntime": "uses_onnxruntime",
        "onnxruntime-gpu[cuda,cudnn]": "uses_onnxruntime",
        "onnxruntime-migraphx": "uses_onnxruntime",
        "onnxruntime-openvino": "uses_onnxruntime",
        "openvino": "uses_openvino",
        "xllamacpp": "uses_llama_cpp",
        "openvino-genai": "uses_openvino_genai",
        "openvino-tokenizers": "uses_openvino_genai",
        "openai": "uses_http_api",
        "httpx2": "uses_http_api",
        "torch": "runs_torch",
        "jax": "runs_jax",
        "optax": "predicts_with_jax",
        "keras": "runs_keras",
        "transformers": "generates_native",
        "tokenizers": "predicts_texts",
        "fastapi": "serves",
        "pydantic": "serves",
        "prometheus-client": "serves",
        "uvicorn": "serves",
    }


MARKED = next(
    number
    for number, row in enumerate(load_requirements(ROOT / "stack"), start=1)
    if row.marker.startswith("sys_platform")
)
UNUSED_RUNTIME = (
    "- {runtime: tflite, title: T, about: a, runs: r, generates: false, devices: {}, "
    "system_packages: [], sources: {}}"
)
WRONG = [
    ("release.yml", '"2.13.0"', "2.13", "row 1: `torch` must be a final version in quotes"),
    ("release.yml", '"2.13.0"', '"2.14.0rc1"', "row 1: `torch` must be a final version"),
    ("release.yml", '"2.13.0"', '"2.13.0+cpu"', "row 1: `torch` must be a final version"),
    ("release.yml", '"2026-11-20"', "2026-11-20", "row 1: `cutoff` must be a date in quotes"),
    ("release.yml", '"2026-11-20"', '"20 November"', "row 1: `cutoff` must be a date in quotes"),
    ("release.yml", "/whl\n", "/whl/\n", "row 1: `torch_index` must be an https address"),
    ("release.yml", "index: false", "index: no way", "row 1: `envkeep_on_index` must be true or"),
    ("release.yml", "  cutoff:", "  cut:", "row 1: `cutoff` is missing"),
    ("pythons.yml", '"3.13"', "3.13", "row 2: `version` must be a CPython minor in quotes"),
    ("pythons.yml", '"3.13"', '"3.14"', "row 2: 3.14 comes after 3.14"),
    ("pythons.yml", '"3.10"', '"3.9.1"', "row 5: `version` must be a CPython minor in quotes"),
    ("requirements.yml", "  package: torch\n", "  package: torch==2\n", "row 1: `package` must"),
    ("requirements.yml", "when: uses_torch", "when: torch is used", "row 1: `when` must be a flag"),
    ("requirements.yml", "layer: 10-torch", "layer: torch", "row 1: `layer` must be two digits"),
    ("requirements.yml", "layer: 10-torch", "layer: 25-late", "row 2: layer 20-train comes after"),
    ("requirements.yml", "package: rich", "package: NumPy", "row 4: package numpy in 20-train is"),
    (
        "requirements.yml",
        'marker: "sys_platform',
        'marker: "platform',
        f"row {MARKED}: `marker` must be an env",
    ),
    ("requirements.yml", "  why: ", "  because: ", "row 1: `why` is missing"),
    ("requirements.yml", "  why: ", "  note: x\n  why: ", "row 1: `note` is not a known key"),
    ("exporters.yml", "package: nncf", "package: nncf==3", "row 3: `package` must be a package"),
    ("exporters.yml", "package: nncf", "package: NumPy", "row 3: package numpy in openvino-int8"),
    ("exporters.yml", "when: exports_openvino", "when: always", "row 2: all rows of openvino-int8"),
    ("exporters.yml", "shared: false", 'shared: "no"', "row 1: `shared` must be true or false"),
    ("reserved_names.yml", '"build"', '"my-name"', "row 1: `names.0` must be a name in quot"),
    ("reserved_names.yml", '"configs"', '"build"', "row 2: name build is listed twice"),
    ("sources.yml", "strength: registry", "strength: rumour", "row 1: `strength` must be registry"),
    ("sources.yml", 'dated: "2026-07-08"', 'dated: "July"', "row 1: `dated` must be a date"),
    ("sources.yml", "- id: pypi-hardware", "- id: pypi-torch", "row 2: id pypi-torch is listed"),
    ("platforms.yml", "platform: linux-arm64", "platform: linux", "row 2: `platform` must be a sy"),
    ("platforms.yml", 'TARGET: "14.0"', "TARGET: 14.0", "row 3: `variables.MACOSX_DEPLOYMENT_T"),
    ("backends.yml", "torch_device: xpu", "torch_device: gpu", "row 4: `torch_device` must be cpu"),
    ("backends.yml", '"--gpus=all"', '"-it"', "row 2: `container.device_flags.0` must be an opt"),
    ("backends.yml", "release: forky", 'release: "14"', "row 4: `container.debian_release` must"),
    ("backends.yml", "device_flags: [], env", "env", "row 1: `container.device_flags` is missing"),
    ("builds.yml", "build: cu130", "build: CUDA 13", "row 2: `build` must be a name in small"),
    ("builds.yml", '"+cpu"', '"cpu"', "row 1: `wheels.linux-x86_64.local_version` must be a label"),
    ("builds.yml", '"3.10", "3.11"', '3.10, "3.11"', "row 1: `wheels.linux-x86_64.pythons.0` must"),
    ("builds.yml", "==13.0.3; pl", "13.0.3; pl", "row 2: `requires.0` must be a requirement as in"),
    ("builds.yml", 'driver: {linux: "', 'driver: {beos: "', "row 2: `driver.beos` must be linux,"),
    (
        "builds.yml",
        'driver: {linux: "580',
        'driver: {linux: "R580',
        "row 2: `driver.linux` must be",
    ),
    ("builds.yml", '"7.5", "8.0"', '7.5, "8.0"', "row 2: `gpu_targets.linux-x86_64.0` must be a G"),
    ("builds.yml", "plain: []", "plain: false", "row 3: `plain` must be a list, is False"),
    (
        "builds.yml",
        "    driver: [nvid",
        "    drivers: [nvid",
        "row 2: `sources` has none for `driv",
    ),
    (
        "builds.yml",
        "    index: [",
        "    folder: []\n    index: [",
        "row 1: `sources.folder` is about",
    ),
    (
        "builds.yml",
        "plain: [windows",
        "plain: [linux-s390x, windows",
        "row 1: `plain` names linux-",
    ),
    ("builds.yml", "[triton-rocm]\n", "[triton]\n", "row 6: `index_packages` names triton, which"),
    ("builds.yml", '"580", windows: "580"', '"580"', "row 2: `driver` must name the systems that"),
    ("gpus.yml", 'targets: ["7.0"]', "targets: []", "row 3: `targets` must not be empty, is []"),
    ("gpus.yml", 'targets: ["7.0"]', "targets: [7.0]", "row 3: `targets.0` must be a GPU target"),
    ("gpus.yml", 'generation: "Volta"', 'generation: "Pascal"', "row 3: generation Pascal is list"),
    ("companions.yml", 'version: "0.28.0"', 'version: ">=1"', "row 1: `version` must be a final v"),
    ("companions.yml", "package: torchaudio", "package: torchvision", "row 2: package torchvision"),
    (
        "extras.yml",
        "training: [pytorch, jax, keras]",
        "training: []",
        "row 1: `training` must not be empty",
    ),
    ("images.yml", "digest: sha256:bf44", "digest: bf44", "row 1: `digest` must be a sha256"),
    ("actions.yml", "version: v7.0.1", "version: v7", "row 1: `version` must be the tag of a re"),
    ("actions.yml", "commit: 3d3c", "commit: v", "row 1: `commit` must be the 40 digits of a com"),
    ("actions.yml", "action: setup-python", "action: checkout", "row 2: action checkout is listed"),
    (
        "frameworks.yml",
        "computes_with: [torch]",
        "computes_with: torch",
        "row 1: `computes_with` mu",
    ),
    ("frameworks.yml", "framework: none", "framework: pytorch", "row 5: framework pytorch is lis"),
    (
        "runtimes.yml",
        "sources: {devices: [onnxr",
        "sources: {runs: [onnxr",
        "row 1: `sources` has n",
    ),
    ("runners.yml", "label: ubuntu-24.04", "label: ubuntu-latest", "row 1: `label` must be a labe"),
    ("images.yml", ":3.13.16-slim-trixie", "", "row 1: `reference` must be an image and its tag"),
    ("images.yml", 'python: "3.13"', 'python: "3.12"', "row 2: image python-slim for Python 3.12"),
]


@pytest.fixture
def copied(stack: Path, tmp_path: Path) -> Path:
    """A copy of the data files, for a test to spoil."""
    return Path(shutil.copytree(stack, tmp_path / "stack"))


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(("name", "old", "new", "message"), WRONG)
def test_wrong_rows_are_refused(copied: Path, name: str, old: str, new: str, message: str) -> None:
    spoil(copied, name, old, new)
    with pytest.raises(StackError, match=re.escape(f"stack/{name} {message}")):
        LOADERS[name](copied)


DISAGREEING = [
    (
        ("backends.yml", "[docker-python]", "[rumours]"),
        "stack/backends.yml row 1: source rumours is not in sources.yml",
    ),
    (
        (
            "sources.yml",
            "- id: pypi-torch",
            '- {id: idle, title: "x", strength: registry, dated: "",'
            ' checked: "2026-01-01"}\n- id: pypi-torch',
        ),
        "stack/sources.yml row 1: no fact names the source idle",
    ),
    (
        ("backends.yml", "base_image: python-slim", "base_image: python-alpine"),
        "stack/backends.yml row 1: image python-alpine is not in images.yml",
    ),
    (
        ("images.yml", 'python: "3.13"', 'python: "3.10"'),
        "stack/images.yml: it has no python-slim for Python 3.13",
    ),
    (
        ("frameworks.yml", "[onnxruntime, openvino, native]", "[onnxruntime, tflite]"),
        "stack/frameworks.yml row 1: runtime tflite is not in runtimes.yml",
    ),
    (
        ("runtimes.yml", "npu: NPU", "tpu: TPU"),
        "stack/runtimes.yml row 2: device tpu is not in backends.yml",
    ),
    (
        ("runtimes.yml", "- runtime: native\n", f"{UNUSED_RUNTIME}\n- runtime: native\n"),
        "stack/runtimes.yml row 3: no framework in frameworks.yml offers tflite",
    ),
    (
        ("builds.yml", "backend: xpu", "backend: npu"),
        "stack/builds.yml row 8: backend npu is not in backends.yml",
    ),
    (
        (
            "builds.yml",
            '    linux-arm64: {local_version: "+cpu"',
            '    linux-riscv64: {local_version: "+cpu"',
        ),
        "stack/builds.yml row 1: platform linux-riscv64 is not in platforms.yml",
    ),
    (
        ("builds.yml", '["3.10", "3.11"', '["3.9", "3.10", "3.11"'),
        "stack/builds.yml row 1: Python 3.9 is not in pythons.yml",
    ),
    (
        ("builds.yml", "[gfx900,", "[gfx901,"),
        "stack/builds.yml row 6: GPU target gfx901 is not in gpus.yml",
    ),
    (
        ("gpus.yml", "{backend: xpu", "{backend: npu"),
        "stack/gpus.yml row 25: backend npu is not in backends.yml",
    ),
    (
        ("companions.yml", "not_for: [cu132]", "not_for: [cu133]"),
        "stack/companions.yml row 2: build cu133 is not in builds.yml",
    ),
    (
        ("builds.yml", "build: xpu\n  backend: xpu", "build: xpu\n  backend: rocm"),
        "stack/backends.yml row 4: builds.yml has no build for xpu",
    ),
    (
        ("builds.yml", "build: cu130\n  backend: cuda", "build: cu130\n  backend: mps"),
        "stack/builds.yml row 9: mps is what PyPI has; it must stand before the other builds",
    ),
    (
        ("builds.yml", "plain: [macos-arm64]", "plain: []"),
        "stack/platforms.yml row 3: no build in builds.yml is what PyPI has for macos-arm64",
    ),
    (
        (
            "builds.yml",
            "plain: [linux-x86_64, linux-arm64]",
            "plain: [linux-x86_64, windows-x86_64]",
        ),
        "stack/builds.yml row 2: cpu already is what PyPI has for windows-x86_64",
    ),
]


@pytest.mark.parametrize(("change", "message"), DISAGREEING)
def test_files_that_disagree_are_refused(
    copied: Path, change: tuple[str, str, str], message: str
) -> None:
    spoil(copied, *change)
    with pytest.raises(StackError, match=re.escape(message)):
        load_catalog(copied)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("backends: [xpu]", "backends: [npu]", "onnxruntime-openvino: npu is no hardware"),
        ("not_for: [cu129, ", "not_for: [cu1, ", "onnxruntime-gpu[cuda,cudnn]: cu1 is no hardware"),
        ("not_for: [cu129, ", "not_for: [", "lists onnxruntime-gpu in 30-prod twice for cu129"),
    ],
)
def test_requirements_and_hardware_that_disagree_are_refused(
    copied: Path, old: str, new: str, message: str
) -> None:
    spoil(copied, "requirements.yml", old, new)
    with pytest.raises(StackError, match=re.escape(message)):
        load_inputs(copied)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the file is missing"),
        ("", "must be a list of rows"),
        ("name: a\n", "must be a list of rows"),
        ("- [\n", "is not valid YAML"),
        ("- 1\n", "row 1: must be"),
    ],
)
@pytest.mark.parametrize("name", LOADERS)
def test_wrong_files_are_refused(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match=re.escape(message)):
        LOADERS[name](tmp_path)


def test_a_second_release_is_refused(stack: Path, tmp_path: Path) -> None:
    text = (stack / "release.yml").read_text(encoding="utf-8")
    (tmp_path / "release.yml").write_text(text + text, encoding="utf-8")
    with pytest.raises(StackError, match="holds 2 rows"):
        load_release(tmp_path)


def test_every_package_of_a_project_has_a_pin_or_a_floor() -> None:
    common = by_name(parse_pins((STACK / "constraints.txt").read_text(encoding="utf-8")))
    inputs = load_inputs(STACK)
    of_torch = {"torch", *(row.package for row in inputs.catalog.companions)}
    for row in inputs.direct:
        builds = [each for each in inputs.catalog.builds if row.goes_with(each)]
        files = [STACK / "constraints" / f"{each.build}.txt" for each in builds]
        texts = [path.read_text(encoding="utf-8") if path.exists() else "" for path in files]
        pinned = [row.name in by_name(parse_pins(each)) for each in texts]
        is_pinned = row.name in common or (pinned and all(pinned)) or row.name in of_torch
        assert is_pinned or row.floor or row.held, row.package
    for row in inputs.offered:
        assert row.package in common, row.package
    for each in inputs.exporters:
        pins = STACK / "exporters" / f"{each.exporter}.txt"
        found = by_name(parse_pins(pins.read_text(encoding="utf-8")))
        assert each.name in found or each.name in of_torch, each.package
