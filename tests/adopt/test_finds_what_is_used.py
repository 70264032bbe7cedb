"""What a repository computes with, seen in its code where no file says it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from hooks.adoption.answers import Proposal, propose
from hooks.adoption.index import Unfit
from hooks.adoption.layers import sort
from hooks.adoption.pyproject_merge import merge
from hooks.adoption.stack import load
from hooks.adoption.survey import Survey, survey
from tests.adopt.conftest import FOUND
from tests.adopt.repository import of_files

Files = dict[str, str | bytes]


def proposed(found: Survey) -> Proposal:
    return propose(found, load(), FOUND, {})


def notebook(code: str) -> str:
    cells = [{"cell_type": "markdown", "source": "x"}, {"cell_type": "code", "source": [code]}]
    return json.dumps({"cells": cells})


@pytest.mark.parametrize(
    ("files", "training", "reason"),
    [
        ({"train.py": "import torch\n"}, "pytorch", "no file declares torch, 1 file imports it"),
        ({"a.ipynb": notebook("!pip install x\nimport torch\n")}, "pytorch", "1 file imports it"),
        ({"requirements.txt": "lightning\n"}, "pytorch", "lightning, which needs torch"),
        ({"requirements.txt": "ultralytics\n"}, "pytorch", "ultralytics, which needs torch"),
        ({"Dockerfile": "FROM nvcr.io/nvidia/pytorch:24.05-py3\n"}, "pytorch", "nvcr.io"),
        ({"requirements.txt": "flax\n", "m.py": "import jax\n"}, "jax", "which needs jax"),
        (
            {"m.py": "import jax\nimport torch\n", "n.py": "import flax\n"},
            "jax",
            "2 files import it",
        ),
        ({"requirements.txt": "keras>=3\njax\n"}, "keras", "keras is asked for"),
        ({"requirements.txt": "keras<3\ntensorflow\n"}, "none", "tensorflow is asked for"),
        ({"m.py": "import tensorflow as tf\n"}, "none", "1 file imports it"),
        (
            {
                "requirements.txt": "torch\ntransformers\n",
                "t.py": "from transformers import Trainer\n",
            },
            "huggingface",
            "trains by transformers",
        ),
        ({"requirements.txt": "torch\ntransformers\n"}, "pytorch", "torch is asked for"),
        ({"requirements.txt": "numpy\n"}, "none", "no file imports one"),
        ({"tests/test_a.py": "import torch\n", "requirements.txt": "rich\n"}, "none", "no file"),
    ],
)
def test_the_framework_is_what_the_code_computes_with(
    files: Files, training: str, reason: str, tmp_path: Path
) -> None:
    found = proposed(survey(of_files(tmp_path, files)))
    assert found.answers["training"] == training
    assert reason in found.reasons["training"]


def test_a_test_extra_s_torch_does_not_decide_a_library_of_jax(tmp_path: Path) -> None:
    text = """
[project]
name = "layers"
dependencies = ["jax", "optax", "numpy"]
[project.optional-dependencies]
testing = ["torch", "pytest"]
"""
    found = survey(
        of_files(tmp_path, {"pyproject.toml": text, "layers/__init__.py": "import jax\n"})
    )
    answers = dict(proposed(found).answers)
    assert answers["training"] == "jax"
    planned = sort(found.findings.once_each(), load(), answers, "layers")
    assert "torch" not in {pin.wanted.name for pin in planned.pins}
    assert "training=jax has no layer of torch" in dict(planned.skipped)["torch"]


def test_where_nothing_is_declared_the_imports_are_taken(tmp_path: Path) -> None:
    code = "import os, numpy as np, cv2\nimport torch, mine, unknown\nfrom PIL import Image\n"
    found = survey(of_files(tmp_path, {"train.py": code, "mine.py": "import tqdm\n"}))
    names = {each.name for each in found.findings.once_each()}
    assert names == {"numpy", "opencv-python", "torch", "pillow", "tqdm"}
    assert found.undeclared == {}


def test_an_import_that_no_file_declares_is_named_not_taken(tmp_path: Path) -> None:
    files: Files = {"requirements.txt": "torch\n", "train.py": "import torch, wandb\n"}
    found = survey(of_files(tmp_path, files))
    assert [each.name for each in found.findings.once_each()] == ["torch"]
    assert found.undeclared == {"wandb": 1}


def test_the_repository_s_own_modules_are_no_packages(tmp_path: Path) -> None:
    files: Files = {"utils/__init__.py": "", "utils/rich.py": "", "a.py": "import utils, rich\n"}
    assert survey(of_files(tmp_path, files)).findings.wanted == []


@pytest.mark.parametrize(
    ("files", "inference"),
    [
        ({"requirements.txt": "torch\nonnxruntime\n", "a.py": "import torch\n"}, "native"),
        ({"requirements.txt": "onnxruntime\n", "a.py": "import onnxruntime\n"}, "onnxruntime"),
        ({"requirements.txt": "openvino\n", "a.py": "import openvino\n"}, "openvino"),
        ({"requirements.txt": "torch\nrembg\n", "a.py": "import torch\n"}, "native"),
    ],
)
def test_a_runtime_is_answered_where_the_code_runs_on_it(
    files: Files, inference: str, tmp_path: Path
) -> None:
    found = proposed(survey(of_files(tmp_path, files)))
    assert found.answers["inference"] == inference


def test_a_workflow_s_python_counts_only_within_the_range(tmp_path: Path) -> None:
    files: Files = {
        "pyproject.toml": '[project]\nname = "a"\nrequires-python = ">=3.12"\n',
        ".github/workflows/lint.yml": "python-version: '3.11'\n",
    }
    assert proposed(survey(of_files(tmp_path, files))).answers["python_version"] == "3.12"


def test_no_range_is_called_one_where_none_is_given(tmp_path: Path) -> None:
    found = proposed(survey(of_files(tmp_path, {"requirements.txt": "numpy\n"})))
    assert found.reasons["python_version"] == "the template's default, as no file names one"


def test_the_python_is_one_that_the_pins_have_wheels_for(tmp_path: Path) -> None:
    found = survey(of_files(tmp_path, {"requirements.txt": "torch==2.1.2\n"}))
    old = Unfit("torch==2.1.2", "requirements.txt", "Pythons older than 3.12", "2.2")
    unfit = {"3.12": [old], "3.13": [old], "3.11": []}
    served = Survey(**{**vars(found), "unfit": unfit})
    assert proposed(served).answers["python_version"] == "3.11"
    nowhere = Survey(**{**vars(found), "unfit": {each: [old] for each in unfit}})
    assert "`--loosen torch`" in " ".join(proposed(nowhere).undecided)


def test_what_a_complete_lock_holds_indirectly_wins_over_the_stack(tmp_path: Path) -> None:
    files: Files = {
        "pyproject.toml": '[project]\nname = "a"\ndependencies = ["pandas"]\n',
        "uv.lock": "".join(
            f'[[package]]\nname = "{name}"\nversion = "{version}"\ndependencies = [{needs}]\n'
            for name, version, needs in [
                ("pandas", "2.2.0", '{name = "numpy"}'),
                ("numpy", "1.26.4", ""),
                ("pytest", "7.0.0", '{name = "pluggy"}'),
                ("pluggy", "1.0.0", ""),
            ]
        ),
    }
    found = survey(of_files(tmp_path, files))
    answers = dict(proposed(found).answers)
    wanted, indirect = found.findings.once_each(), found.findings.indirect()
    assert indirect == {"numpy": "1.26.4"}
    assert "numpy==1.26.4" in sort(wanted, load(), answers, "a", indirect).overrides


def test_nvidia_s_packages_that_no_build_brings_stay(tmp_path: Path) -> None:
    names = [
        "torch",
        "nvidia-ml-py",
        "nvidia-dali-cuda120",
        "nvidia-modelopt",
        "nvidia-cublas-cu12",
    ]
    found = survey(of_files(tmp_path, {"requirements.txt": "\n".join(names)}))
    planned = sort(found.findings.once_each(), load(), dict(proposed(found).answers), "")
    assert [pin.wanted.name for pin in planned.pins] == names[:-1]


def test_a_folder_of_wheels_is_answered_only_if_it_has_all_of_torch_s(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / f"torch-{load().release.torch}+cpu-cp311-cp311-linux_x86_64.whl").touch()
    here = type(FOUND)(FOUND.machine, FOUND.offered, FOUND.pythons, FOUND.torch, {"3.12": wheels})
    alone = survey(of_files(tmp_path / "a", {"requirements.txt": "torch\n"}))
    both = survey(of_files(tmp_path / "b", {"requirements.txt": "torch\ntorchvision\n"}))
    assert propose(alone, load(), here, {}).answers.get("torch_index") == str(wheels)
    assert "torch_index" not in propose(both, load(), here, {}).answers


@pytest.mark.parametrize(
    ("backend", "requires", "more", "own"),
    [
        ("flit_core.buildapi", "flit_core>=3", 'version = "1"', False),
        ("uv_build", "uv_build>=0.8", 'version = "1"', False),
        ("hatchling.build", "hatchling", 'dynamic = ["version"]', True),
        ("hatchling.build", "hatchling", 'version = "1"', False),
        ("setuptools.build_meta", "setuptools>=61", 'dynamic = ["version"]', False),
        ("setuptools.build_meta", 'setuptools", "setuptools-scm', 'dynamic = ["version"]', True),
        ("setuptools.build_meta", 'setuptools", "Cython', 'version = "1"', True),
        ("scikit_build_core.build", 'scikit-build-core", "pybind11', 'version = "1"', True),
    ],
)
def test_a_backend_that_does_more_than_pack_files_stays(
    backend: str, requires: str, more: str, own: bool, tmp_path: Path
) -> None:
    build = f'[build-system]\nrequires = ["{requires}"]\nbuild-backend = "{backend}"\n'
    text = f'{build}[project]\nname = "tiny"\n{more}\n'
    found = survey(of_files(tmp_path, {"pyproject.toml": text, "tiny/__init__.py": ""}))
    assert found.own_build == own
    assert any("to build it" in each.origin for each in found.findings.wanted) == own


def test_a_folder_that_is_called_as_what_it_needs_gets_another_name(tmp_path: Path) -> None:
    # Its package would take the place of the other one in the environment.
    found = survey(of_files(tmp_path / "keras", {"requirements.txt": "keras\njax\n"}))
    assert proposed(found).answers["package_name"] == "keras_project"
    top = "[project]\n# -\n# Yours from here\n# -\n"
    assert tomllib.loads(merge(top, found))["project"]["name"] == "keras-project"


@pytest.mark.parametrize(
    ("line", "code", "package"),
    [
        ("sklearn==0.0", "from sklearn.svm import SVC\n", "scikit-learn"),
        ("PIL", "from PIL import Image\n", "pillow"),
        ("opencv-python\ncv2", "import cv2\n", "opencv-python"),
    ],
)
def test_a_module_that_is_asked_for_as_a_package(
    line: str, code: str, package: str, tmp_path: Path
) -> None:
    # Public repositories ask for sklearn by the hundred; PyPI's package of that name refuses.
    found = survey(of_files(tmp_path, {"requirements.txt": line, "a.py": code}))
    assert [str(each.requirement) for each in found.findings.once_each()] == [package]
    asked = line.splitlines()[-1]
    assert f"its package {package} is taken" in dict(found.findings.skipped)[asked]


def test_a_package_is_left_alone_where_no_code_imports_its_module(tmp_path: Path) -> None:
    found = survey(of_files(tmp_path, {"requirements.txt": "git\n", "a.py": "import os\n"}))
    assert [each.name for each in found.findings.once_each()] == ["git"]


@pytest.mark.parametrize("table", ["[project.optional-dependencies]", "[dependency-groups]"])
def test_torch_in_a_part_for_hardware_keeps_its_version(table: str, tmp_path: Path) -> None:
    # As uv's guide to PyTorch puts it; the code needs it all the same.
    text = f"""
[project]
name = "net"
dependencies = ["numpy"]
{table}
cpu = ["torch==2.5.1", "torchvision==0.20.1"]
cu124 = ["torch==2.5.1", "torchvision==0.20.1"]
[tool.uv.sources]
torch = [{{index = "pt-cpu", extra = "cpu"}}, {{index = "pt-cu124", extra = "cu124"}}]
[[tool.uv.index]]
name = "pt-cpu"
url = "https://download.pytorch.org/whl/cpu"
[[tool.uv.index]]
name = "pt-cu124"
url = "https://download.pytorch.org/whl/cu124"
"""
    found = survey(
        of_files(tmp_path, {"pyproject.toml": text, "net/__init__.py": "import torch\n"})
    )
    versions = {each.name: each.exact for each in found.findings.once_each()}
    assert versions == {"numpy": "", "torch": "2.5.1", "torchvision": "0.20.1"}
    answers = proposed(found)
    assert "cpu asks for torch, and 1 file imports it" in answers.reasons["training"]
    assert answers.answers["backends"] == "[cpu, cuda]"


def test_torch_that_only_development_declares_is_taken_as_declared(tmp_path: Path) -> None:
    files: Files = {"requirements-dev.txt": "torch==2.5.1\npytest\n", "net.py": "import torch\n"}
    found = survey(of_files(tmp_path, files))
    uses = {each.name: (each.exact, each.use) for each in found.findings.once_each()}
    assert uses == {"torch": ("2.5.1", ""), "pytest": ("", "develop")}
    assert "no file declares" not in proposed(found).reasons["training"]
