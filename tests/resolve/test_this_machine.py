"""What is locked and installed on this machine, with the real wheel of torch where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project, error_sentence, succeeded
from tests.resolve.cells import HERE, representative
from tests.resolve.checks import check
from tests.resolve.projects import Locks, Workshop, locked
from tests.support.copier_runs import Answers
from tests.support.loopback import overlaying, serving
from tests.support.stub_wheels import StubWheel
from tests.support.tested_on import record_tested_on
from tests.support.torch_index import TorchIndex, torch_wheel, write_overlay

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("resolve-here")]

CPU = replace(representative("cpu"), platform=HERE)
RIGHT = torch_wheel(CPU.row, CPU.platform, CPU.python)
WRONG = StubWheel(RIGHT.name, RIGHT.version, RIGHT.tag)


@pytest.fixture(scope="module")
def project(workshop: Workshop) -> Project:
    """Return a default project that pip-compile locked."""
    project = workshop.fresh(CPU)
    succeeded(project.tools("lock"))
    return project


def locked_fast(project: Project) -> Locks:
    """Lock from nothing as the commands do that lock on their own: by uv, for this very Python."""
    shutil.rmtree(project.folder / "requirements" / "locks")
    succeeded(project.tools("lock", "--fast"))
    return Locks.of(project, CPU.target)


def test_lock_and_lock_all_write_the_same_bytes(
    project: Project, torch_index: TorchIndex, record_property: Callable[[str, object], None]
) -> None:
    by_pip_compile = Locks.of(project, CPU.target)
    check(by_pip_compile, CPU, torch_index)
    assert locked(project, CPU).texts == by_pip_compile.texts, "over what is there"
    shutil.rmtree(project.folder / "requirements" / "locks")
    assert locked(project, CPU).texts == by_pip_compile.texts, "from nothing"
    assert locked_fast(project).texts == by_pip_compile.texts, "as `make setup` locks"
    record_tested_on(
        record_property,
        build=CPU.build,
        platform=CPU.platform,
        python=CPU.python,
        torch=by_pip_compile.versions("10-torch")["torch"],
        result="resolved",
    )


@pytest.mark.parametrize(
    "answers",
    [
        {"training": "none"},
        {"inference": "openvino", "extras": ["datascience", "tuning", "jupyterlab"]},
        {"training": "huggingface", "extras": ["deepspeed"]},
        {"configuration": "hydra", "data_versioning": "dvc", "extras": ["tuning"]},
    ],
    ids=["without training", "extras and an exporter", "Hugging Face with extras", "Hydra and DVC"],
)
def test_uv_writes_the_same_bytes_as_pip_compile(answers: Answers, workshop: Workshop) -> None:
    project = workshop.fresh(CPU, more=answers)
    succeeded(project.tools("lock"))
    by_pip_compile = Locks.of(project, CPU.target)
    assert locked_fast(project).texts == by_pip_compile.texts


def test_another_wheel_on_torchs_index_is_not_installed(project: Project, tmp_path: Path) -> None:
    write_overlay(tmp_path / CPU.row.index, [WRONG])
    shutil.rmtree(project.folder / ".cache", ignore_errors=True)
    with serving(tmp_path) as address:
        sentence = error_sentence(project.tools("install", TORCH_INDEX=address))
    shutil.rmtree(project.folder / ".cache")
    assert f"torch=={CPU.torch} in " in sentence
    assert "is not the file that was locked" in sentence
    assert project.active() is None


def test_a_wheel_of_torch_on_the_ordinary_index_is_not_installed(
    project: Project, tmp_path: Path
) -> None:
    write_overlay(tmp_path, [WRONG])
    with overlaying(tmp_path) as index:
        succeeded(project.tools("install", PIP_INDEX_URL=index, UV_DEFAULT_INDEX=index))
    assert project.python("-c", "import torch; print(torch.__version__)").strip() == CPU.torch
