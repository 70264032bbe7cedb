"""DVC for real: versions in a folder, the project's commands as stages, two hashes of the data."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.lifecycle.projects import NEEDS_NAMESPACES, Project, pins_of, succeeded
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("dvc")]

DATA = "data/raw/digits.npz"
MODEL = "models/digits"
UP_TO_DATE = "Data and pipelines are up to date."


class Versioned(Project):
    """A project with DVC, which keeps nothing outside of the test's folders."""

    def dvc(self, *words: str, code: int = 0) -> str:
        """Run DVC as `make dvc` does, and return what it said."""
        outside = self.folder.parent / "outside"
        names = ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR")
        done = self.tools("dvc", *words, **dict.fromkeys(names, str(outside)))
        assert bool(done.returncode) == bool(code), f"{done.stdout}\n{done.stderr}"
        return f"{done.stdout}\n{done.stderr}"

    def newest_run(self) -> dict[str, Any]:
        """Return what `run.json` says of the newest run."""
        path = max(self.folder.glob("experiments/*/run.json"))
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return (self.folder / path).read_text(encoding="utf-8")

    def set_epochs(self, old: int, new: int) -> None:
        """Change a setting of the training."""
        before, after = (f"\n  epochs: {epochs}\n" for epochs in (old, new))
        text = self.read("configs/train.yaml")
        assert before in text
        (self.folder / "configs/train.yaml").write_text(text.replace(before, after), "utf-8")


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Versioned:
    """A project with DVC, installed, whose data is a version in a folder and whose stages ran."""
    folder = tmp_path_factory.mktemp("dvc")
    chosen = {"training": "jax", "data_versioning": "dvc"}
    made = Versioned(render(template, folder / "project", {**answers, **chosen}))
    for target in ("setup", "data"):
        made.make(target)
    made.set_epochs(15, 2)
    said = made.dvc("add", DATA)
    assert "Making the environment of dvc" in said
    made.dvc("remote", "add", "--default", "store", str(folder / "store"))
    made.commit("Data")
    assert "1 file pushed" in made.dvc("push")
    made.dvc("repro")
    return made


def test_what_init_would_make_is_there(project: Versioned, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    dvc = project.folder / ".venv-export-dvc" / "bin" / "dvc"
    subprocess.run([dvc, "init", "--quiet"], cwd=tmp_path, check=True)
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob(".dvc*")}
    assert made == {".dvc", ".dvcignore"}
    assert project.read(".dvc/.gitignore") == (tmp_path / ".dvc" / ".gitignore").read_text()
    settings = project.dvc("config", "--list")
    assert {"core.analytics=false", "core.check_update=false"} <= {*settings.split()}
    assert "autostage" not in settings


def test_no_layer_has_dvc_and_its_lock_has_hashes(project: Versioned) -> None:
    layers = {layer: pins_of(text).keys() for layer, text in project.lock_texts().items()}
    assert not [layer for layer, pins in layers.items() if "dvc" in pins]
    lock = (project.locks / "exporters" / "dvc.txt").read_text(encoding="utf-8")
    installed = {canonicalize_name(name) for name in project.packages(".venv-export-dvc")}
    assert installed == pins_of(lock).keys()
    assert lock.count("--hash=sha256:") >= len(pins_of(lock)) > 90
    assert not {"dvc", "celery", "pygit2"} & project.packages().keys()
    project.make("install-prod")
    assert not {"dvc", "celery", "pygit2"} & project.packages(".venv-prod").keys()
    assert "fits its lock" in succeeded(project.tools("status")).stdout


def test_the_record_has_both_hashes_and_stages_share_one_run(project: Versioned) -> None:
    run = project.newest_run()
    listed = json.loads(project.read("data/manifest.json"))["files"]["raw/digits.npz"]
    assert run["data_sha256"] == listed["sha256"]
    assert f"md5: {run['data_dvc_md5']}\n" in project.read(f"{DATA}.dvc")
    assert f"md5: {run['data_dvc_md5']}\n" in project.read("dvc.lock")
    measured = [json.loads(project.read(f"metrics/{name}.json")) for name in ("train", "evaluate")]
    assert [each["run_id"] for each in measured] == [run["run_id"]] * 2
    assert json.loads(project.read(f"{MODEL}/metadata.json"))["origin"]["run_id"] == run["run_id"]


def test_nothing_runs_again_where_nothing_changed(project: Versioned) -> None:
    before = project.newest_run()
    assert UP_TO_DATE in project.dvc("repro")
    assert UP_TO_DATE in project.dvc("status")
    assert project.newest_run() == before
    project.commit("Trained")
    assert project.git("status", "--short") == ""


def test_a_changed_setting_is_named_and_runs_what_depends_on_it(project: Versioned) -> None:
    before = project.newest_run()["run_id"]
    project.set_epochs(2, 1)
    assert "train:" in project.dvc("status")
    changed = {"old": 2, "new": 1, "diff": -1}
    (row,) = json.loads(project.dvc("params", "diff", "--json").split("\n", 1)[0]).items()
    assert row == ("configs/train.yaml", {"training.epochs": changed})
    said = project.dvc("repro")
    assert "Stage 'data' didn't change" in said
    assert "Running stage 'export'" in said
    assert project.newest_run()["run_id"] != before
    project.commit("One epoch")


def test_data_and_model_come_back_from_the_folder(project: Versioned) -> None:
    project.dvc("push")
    paths = [project.folder / path for path in (DATA, f"{MODEL}/model.onnx")]
    content = [path.read_bytes() for path in paths]
    shutil.rmtree(project.folder / ".dvc" / "cache")
    shutil.rmtree(project.folder / MODEL)
    (project.folder / DATA).unlink()
    project.dvc("pull")
    assert [path.read_bytes() for path in paths] == content
    assert UP_TO_DATE in project.dvc("status")
    assert project.git("status", "--short") == ""


def test_other_data_is_not_trained_on_before_the_manifest_has_it(project: Versioned) -> None:
    before = project.newest_run()
    code = (
        "import numpy as np; a = dict(np.load('data/raw/digits.npz')); "
        "np.savez('data/raw/own.npz', images=a['images'][:600], labels=a['labels'][:600])"
    )
    project.python("-c", code)
    text = project.read("configs/train.yaml").replace(DATA, "data/raw/own.npz")
    (project.folder / "configs/train.yaml").write_text(text, encoding="utf-8")
    project.dvc("add", "data/raw/own.npz")
    project.dvc("repro")
    own = project.newest_run()
    assert own["data_sha256"] != before["data_sha256"]
    assert f"md5: {own['data_dvc_md5']}\n" in project.read("data/raw/own.npz.dvc")
    project.python("-c", code.replace("600", "500"))
    assert "run `data --accept`" in project.dvc("repro", code=1)
    assert project.newest_run() == own
    project.make("data", "--accept")
    project.dvc("repro")
    assert project.newest_run()["data_sha256"] != own["data_sha256"]


@NEEDS_NAMESPACES
def test_no_network_is_needed(project: Versioned) -> None:
    assert UP_TO_DATE in succeeded(project.tools_without_network("dvc", "status")).stdout


def test_its_tests_pass(project: Versioned) -> None:
    project.make("test", "tests/pipeline")
    project.make("lint")
