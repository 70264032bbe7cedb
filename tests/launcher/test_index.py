"""Where envkeep is on a package index, projects carry no wheel and get the same ones from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.launcher.launched import HELPER, WHEELS, Launched, envkeep, sentence
from tests.support.copier_runs import git, release, render
from tests.support.loopback import serving
from tests.support.stub_wheels import sha256
from tests.support.torch_index import write_overlay, write_pages

NOBODY = "http://127.0.0.1:9"
"""An address of loopback at which nobody answers."""
ON_INDEX = "999.1.0"


def of_pip(index: str) -> dict[str, str]:
    """Return the variables by which pip asks one index and no other."""
    return {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def launched(tmp_path: Path) -> Launched:
    """Return a project without wheels."""
    made = Launched.of(tmp_path / "project")
    shutil.rmtree(made.folder / WHEELS)
    return made


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Serve the wheels that the project's hashes name."""
    write_overlay(tmp_path / "index", (envkeep(), HELPER))
    with serving(tmp_path / "index") as address:
        yield address


def test_the_first_call_fetches_the_wheels_and_later_ones_need_no_index(
    launched: Launched, index: str
) -> None:
    told = launched.told(launched.keep(**of_pip(index)))
    (folder,) = launched.unpacked()
    assert told["path"][0] == str(folder)
    assert launched.told(launched.keep(**of_pip(NOBODY))) == told


def test_another_wheel_of_the_same_version_is_refused(launched: Launched, tmp_path: Path) -> None:
    other = replace(envkeep(), modules=(("envkeep/__init__.py", "raise ImportError"),))
    write_overlay(tmp_path / "index", (other, HELPER))
    with serving(tmp_path / "index") as address:
        said = sentence(launched.keep(**of_pip(address)))
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in said
    assert not launched.unpacked()


def test_without_network_the_first_call_says_what_it_needs(launched: Launched) -> None:
    said = sentence(launched.keep(**of_pip(NOBODY)))
    assert "the first call needs pip and a package index: ERROR: " in said


def test_a_password_in_the_address_of_the_index_is_not_shown(launched: Launched) -> None:
    with_password = NOBODY.replace("://", "://somebody:secret@")
    assert "secret" not in sentence(launched.keep(**of_pip(with_password)))


def test_a_python_without_pip(launched: Launched, index: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = (str(tmp_path / "bare" / "bin" / "python"),)
    assert "No module named pip" in sentence(launched.keep(python=python, **of_pip(index)))


def test_a_project_of_a_release_whose_envkeep_is_on_an_index(
    template: Path, tmp_path: Path
) -> None:
    """The row of the stack release leaves the wheels out; a loopback index has the very same."""
    released = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(template), str(released))
    row = released / "stack" / "release.yml"
    row.write_text(row.read_text().replace("envkeep_on_index: false", "envkeep_on_index: true"))
    release(released, ON_INDEX)
    project = Launched(render(released, tmp_path / "project", version=ON_INDEX), tmp_path)
    assert not (project.folder / WHEELS).exists()
    carried = template / "template" / WHEELS
    shutil.copytree(carried, tmp_path / "index")
    write_pages(tmp_path / "index", {it.name: sha256(it) for it in carried.iterdir()}, prefix="../")
    with serving(tmp_path / "index") as address:
        done = project.keep("targets", **of_pip(address))
    assert done.returncode == 0, done.stderr
    assert "install" in done.stdout
    assert project.keep("status", **of_pip(NOBODY)).returncode == 0
