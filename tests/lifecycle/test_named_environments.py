"""An environment by name: another NumPy than the layers have, and its way offline."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from envkeep.hardware.machine import detect
from maintain import ROOT
from maintain.stack.data import load_release
from tests.lifecycle.projects import (
    NEEDS_NAMESPACES,
    Checkpoint,
    Project,
    error_sentence,
    pins_of,
    succeeded,
)
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("environment")]

NUMPY = "2.2.6"
LINK = ".venv-env-older"
FILE = "requirements/environments/older.in"


@pytest.fixture(scope="module")
def project(small_project: Checkpoint) -> Project:
    """Return the small project with an environment by name, locked and made."""
    project = small_project.restore()
    shutil.rmtree(project.folder / "requirements" / "environments", ignore_errors=True)
    assert pins_of(project.lock_texts()["30-prod"])["numpy"] != NUMPY
    before = project.lock_texts()
    (project.folder / "requirements" / "environments").mkdir()
    (project.folder / FILE).write_text(
        f"# backends: cpu\n\nnumpy=={NUMPY}\neinops\n", encoding="utf-8"
    )
    assert "environments/older.txt is missing" in error_sentence(project.tools("env", "older"))
    project.make("lock")
    assert project.lock_texts() == before, "no layer moves"
    assert "make env NAME=older" in succeeded(project.tools("env")).stdout
    host = succeeded(project.tools("env", NAME="host")).stdout
    assert "make env NAME=older" in host, "Windows' Linux calls its host so"
    command = ["make", f"PYTHON={shlex.quote(sys.executable)}", "env", "NAME=older"]
    made = succeeded(project._start(command, {})).stdout
    assert f"`{LINK}/bin/python FILE` runs a file in it" in made
    return project


def test_it_has_its_own_numpy_and_the_layers_keep_theirs(project: Project) -> None:
    code = "import numpy, einops; print(numpy.__version__)"
    assert project.python("-c", code, link=LINK).strip() == NUMPY
    assert project.packages()["numpy"] != NUMPY
    assert "einops" not in project.packages()
    assert not project.git("status", "--short", "--", LINK), "git ignores the link"


def test_everything_knows_it(project: Project) -> None:
    name = project.active(LINK)
    assert name is not None
    assert f"{name}, made" in succeeded(project.tools("status")).stdout
    assert "environments/older" in succeeded(project.tools("environments")).stdout
    succeeded(project.tools("lock-check"))
    written = json.loads(succeeded(project.tools("sbom", "--env", "older", "--json")).stdout)
    document = json.loads((project.folder / written["file"]).read_text(encoding="utf-8"))
    assert ("numpy", NUMPY) in {(row["name"], row["version"]) for row in document["components"]}
    succeeded(project.tools("prune", "--keep", "1"))
    assert project.active(LINK) == name
    assert (project.folder / LINK / "bin" / "python").exists()


def test_doctor_says_which_environment_drifted(project: Project) -> None:
    folder = next((project.folder / LINK / "lib").glob("python3*/site-packages"))
    moved = folder / "einops"
    moved.rename(folder / "einops-away")
    try:
        report = project.tools("doctor").stdout
    finally:
        (folder / "einops-away").rename(moved)
    assert LINK in report
    assert "make env NAME=older" in report


@NEEDS_NAMESPACES
def test_it_is_made_again_without_network(project: Project, tmp_path: Path) -> None:
    packages = project.packages(link=LINK)
    saved = tmp_path / "saved"
    succeeded(project.tools("save", str(saved), "--env", "older"))
    project.commit("With an environment by name")
    project.git("clone", "--quiet", str(project.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    succeeded(clone.tools_without_network("restore", str(saved)))
    assert clone.packages(link=LINK) == packages
    assert clone.active(LINK) == project.active(LINK)
    assert clone.active() is None, "the project's own environment is another matter"
    assert "fits its lock" in succeeded(clone.tools("status")).stdout


def test_a_changed_line_renews_it(project: Project) -> None:
    text, before = (project.folder / FILE).read_text(encoding="utf-8"), project.active(LINK)
    project.append(FILE, "tabulate\n")
    succeeded(project.tools("lock", "--changed"))
    succeeded(project.tools("env", "older"))
    assert project.active(LINK) != before
    assert "tabulate" in project.packages(link=LINK)
    (project.folder / FILE).write_text(text, encoding="utf-8")


def test_bad_input_changes_no_lock(project: Project) -> None:
    text, locks = (project.folder / FILE).read_text(encoding="utf-8"), project.lock_texts()
    (project.folder / FILE).write_text("# backends: tpu\nnumpy\n", encoding="utf-8")
    try:
        sentence = error_sentence(project.tools("lock"))
    finally:
        (project.folder / FILE).write_text(text, encoding="utf-8")
    assert f"{FILE} is for the backend tpu, and the project has cpu" in sentence
    assert project.lock_texts() == locks


@pytest.mark.parametrize("asked", ["keras-hub", "nemo-toolkit[asr]"])
def test_large_toolkits_are_locked_beside_the_layers(
    template: Path, answers: dict[str, str], tmp_path: Path, asked: str
) -> None:
    project = Project(tmp_path / "project")
    render(template, project.folder, {**answers, "training": "pytorch"})
    folder = project.folder / "requirements" / "environments"
    folder.mkdir()
    (folder / "toolkit.in").write_text(
        f"# backends: cpu\n# platforms: {detect().platform}\n\n{asked}\ntorch\n", encoding="utf-8"
    )
    cutoff = f"{load_release(ROOT / 'stack').cutoff}T23:59:59Z"
    succeeded(project.tools("lock", "--fast", UV_EXCLUDE_NEWER=cutoff))
    text = (project.locks / "environments" / "toolkit.txt").read_text(encoding="utf-8")
    locked, layers = pins_of(text), pins_of("\n".join(project.lock_texts().values()))
    name = asked.partition("[")[0]
    assert name in locked
    assert name not in layers
    assert locked["torch"] == layers["torch"], "the stack's torch, from its index"
