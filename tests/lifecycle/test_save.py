"""An environment is saved to a folder and made again from it where there is no network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.lifecycle.projects import (
    NEEDS_NAMESPACES,
    Checkpoint,
    Project,
    error_sentence,
    succeeded,
)

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("environment")]

FROM_SOURCE = "docopt==0.6.2\n"  # has no wheel on PyPI


@pytest.fixture
def project(small_project: Checkpoint) -> Project:
    """Return the small project as it was right after ``make setup``."""
    return small_project.restore()


@pytest.fixture(scope="module")
def saved(small_project: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the small project was saved to."""
    project = small_project.restore()
    folder = tmp_path_factory.mktemp("saved") / "environment"
    said = succeeded(project.tools("save", str(folder), "--image", "team/image@sha256:00")).stdout
    assert "at most about" in said
    assert "[1/4] requirements/locks/" in said
    return folder


def cloned(project: Project, folder: Path) -> Project:
    """Return a clone, which has none of the environments."""
    project.git("clone", "--quiet", str(project.folder), str(folder))
    return Project(folder)


@NEEDS_NAMESPACES
def test_it_is_made_again_without_network(project: Project, saved: Path, tmp_path: Path) -> None:
    packages = project.packages()
    clone = cloned(project, tmp_path / "clone")
    said = succeeded(clone.tools_without_network("restore", str(saved))).stdout
    assert "passed" in said
    assert clone.active() == project.active()
    assert clone.packages() == packages
    assert "fits the locks" in succeeded(clone.tools("status")).stdout
    manifest = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["image"] == "team/image@sha256:00"
    assert manifest["commit"] == project.git("rev-parse", "HEAD").strip()
    again = succeeded(clone.tools("restore", str(saved), "--quick")).stdout
    assert clone.active() != project.active()
    assert "-restored-" in again


def test_a_second_save_downloads_nothing(project: Project, saved: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in saved.rglob("*")}
    assert "holds it already" in succeeded(project.tools("save", str(saved))).stdout
    assert {path: path.stat().st_mtime_ns for path in saved.rglob("*")} == before


@NEEDS_NAMESPACES
def test_an_image_and_the_interpreter_can_be_added_later(
    project: Project, saved: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    shutil.copytree(saved, folder)
    succeeded(project.tools("save", str(folder), "--image", "team/image@sha256:11"))
    done = project.tools("save", str(folder), "--python")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if sys.base_prefix.startswith("/usr"):
        assert "cannot be saved alone" in error_sentence(done)
        return
    succeeded(done)
    assert manifest["image"] == "team/image@sha256:11"
    assert "python.tar.gz" in manifest["files"]
    assert "is the interpreter" in (folder / "README.md").read_text(encoding="utf-8")
    other = another_python()
    if other is None:
        pytest.skip("there is no other Python on this machine that can start the tools")
    clone = cloned(project, tmp_path / "clone")
    commands = f"{other} keep.py restore {folder} --quick; {other} keep.py doctor"
    done = clone.in_a_namespace(f"{without_this_python()}; {commands}")
    said = succeeded(done).stdout
    assert "is not on this machine: unpacking the saved one to .venvs/python-3" in said
    assert clone.active() == project.active()
    assert "unpacking" not in succeeded(clone.tools("restore", str(folder), "--quick")).stdout


def without_this_python() -> str:
    """Return what a shell in a namespace hides every Python of this version with."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    there = (Path(folder) / name for folder in os.get_exec_path())
    hidden = [f"mount --bind /dev/null {path}" for path in there if path.exists()]
    return "; ".join([*hidden, f"mount -t tmpfs none {sys.base_prefix}"])


def another_python() -> Path | None:
    """Return an interpreter that can start the tools and lies beside the one that runs this."""
    here = Path(sys.base_prefix)
    found = (path for path in here.parent.glob("3.1[1-9].*/bin/python3"))
    return next((path for path in found if not path.is_relative_to(here)), None)


@NEEDS_NAMESPACES
def test_what_has_no_wheel_is_built_and_restored(project: Project, tmp_path: Path) -> None:
    project.append("requirements/40-dev.in", FROM_SOURCE)
    succeeded(project.tools("lock"))
    succeeded(project.tools("install"))
    project.commit("With docopt")
    folder = tmp_path / "saved"
    succeeded(project.tools("save", str(folder)))
    assert [path.name.partition("-")[0] for path in (folder / "built").iterdir()] == ["docopt"]
    clone = cloned(project, tmp_path / "clone")
    succeeded(clone.tools_without_network("restore", str(folder), "--quick"))
    assert clone.active() == project.active()
    assert clone.packages()["docopt"] == "0.6.2"


@pytest.mark.parametrize(
    "moment", ["Saving", "[2/4]", "[4/4]", "Hashing what was saved", "restore FROM="]
)
def test_a_save_that_was_killed_goes_on(project: Project, tmp_path: Path, moment: str) -> None:
    folder = tmp_path / "saved"
    project.interrupted_tools("save", str(folder), after=moment, by=signal.SIGKILL)
    if not (folder / "manifest.json").exists():
        refused = project.tools("restore", str(folder))
        assert "run `make save` again" in error_sentence(refused) or not folder.exists()
    active = project.active()
    succeeded(project.tools("save", str(folder)))
    assert project.active() == active
    clone = cloned(project, tmp_path / "clone")
    succeeded(clone.tools("restore", str(folder), "--quick"))
    assert clone.active() == active


@pytest.mark.parametrize("moment", ["Verifying", "Preparing", "Making", "Checking the new"])
def test_a_restore_that_was_killed_can_be_made_again(
    project: Project, saved: Path, tmp_path: Path, moment: str
) -> None:
    clone = cloned(project, tmp_path / "clone")
    clone.interrupted_tools("restore", str(saved), "--quick", after=moment, by=signal.SIGKILL)
    assert clone.active() is None
    succeeded(clone.tools("restore", str(saved), "--quick"))
    assert clone.active() == project.active()


def test_a_corrupted_wheel_is_refused_and_nothing_is_made(
    project: Project, saved: Path, tmp_path: Path
) -> None:
    harmed = tmp_path / "harmed"
    shutil.copytree(saved, harmed)
    wheel = next((harmed / "files").glob("numpy-*.whl"))
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)
    active, made = project.active(), project.environments()
    sentence = error_sentence(project.tools("restore", str(harmed)))
    assert f"{wheel.name} in {harmed} is damaged" in sentence
    assert (project.active(), project.environments()) == (active, made)


def test_a_folder_with_other_files_and_a_stale_environment_are_refused(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("ours", encoding="utf-8")
    assert "holds other files" in error_sentence(project.tools("save", str(tmp_path)))
    (project.locks / "50-lint.txt").write_text((project.locks / "50-lint.txt").read_text() + "#\n")
    sentence = error_sentence(project.tools("save", str(tmp_path / "new")))
    assert "is not that of the locks" in sentence
    assert not (tmp_path / "new").exists()


def test_another_python_is_refused(project: Project, saved: Path) -> None:
    (project.folder / ".python-version").write_text("3.13\n", encoding="utf-8")
    sentence = error_sentence(project.tools("restore", str(saved)))
    assert "3.13" in sentence
    assert "name the saved folder" in error_sentence(project.tools("restore"))
