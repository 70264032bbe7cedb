"""The environment by conda: solved, made and filled for real, from a local channel."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.lifecycle.projects import Checkpoint, Project, error_sentence, succeeded
from tests.support.conda_channel import make_channel, make_client

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("environment")]

LIBRARY = {"some-library": "1.5"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a PATH on which a stand-in for micromamba is the only client of conda."""
    folder = tmp_path_factory.mktemp("conda")
    make_client(folder / "bin", "micromamba", make_channel(folder / "channel", LIBRARY))
    return os.pathsep.join([str(folder / "bin"), without_clients()])


def without_clients() -> str:
    """Return PATH without folders that hold a client of conda."""
    clients = ("micromamba", "mamba", "conda")
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(
        folder for folder in folders if not any(shutil.which(each, path=folder) for each in clients)
    )


@pytest.fixture
def project(small_project: Checkpoint) -> Project:
    """Return the small project as it was right after ``make setup``."""
    return small_project.restore()


def test_the_environment_holds_condas_packages_and_exactly_the_locks(
    project: Project, small_project: Checkpoint, client: str
) -> None:
    by_uv = project.packages()
    done = succeeded(project.tools("conda", PATH=client))
    assert re.search(
        r"micromamba create --prefix \S+ --file .cache/conda/environment.yml", done.stderr
    )
    assert "--require-hashes" in done.stderr
    made = str(project.active())
    assert made.startswith("conda-")
    prefix = Path(project.python("-c", "import sys; print(sys.prefix)").strip())
    assert prefix.resolve() == (project.folder / ".venvs" / made).resolve()
    assert [path.name.split("-")[0] for path in sorted((prefix / "conda-meta").glob("*.json"))] == [
        "pip",
        "python",
    ]
    by_conda = project.packages()
    assert by_conda.pop("pip")
    assert by_conda == by_uv
    assert "fits the locks" in succeeded(project.tools("status")).stdout
    assert "is up to date" in succeeded(project.tools("conda", PATH=client)).stdout
    assert re.search(r"\d+ passed", project.make("test").stdout)

    (project.folder / "conda.txt").write_text("# for the team\nsome-library >=1.4  # a comment\n")
    succeeded(project.tools("conda", PATH=client))
    assert project.active() not in (made, small_project.active)
    assert list((project.folder / ".venv" / "conda-meta").glob("some-library-1.5-*.json"))

    (project.folder / "conda.txt").write_text("some-library >=2\n")
    refused = project.tools("conda", PATH=client)
    assert "stays active" in error_sentence(refused)
    assert "some-library" in refused.stdout + refused.stderr
    succeeded(project.tools("rollback"))
    assert project.active() == made


def test_a_machine_without_a_client_is_told_so(project: Project, small_project: Checkpoint) -> None:
    refused = project.tools("conda", PATH=without_clients(), CONDA_EXE="", MAMBA_EXE="")
    assert "none of micromamba, mamba and conda is on this machine" in error_sentence(refused)
    assert project.active() == small_project.active


def test_a_project_without_the_file_is_told_what_brings_it(project: Project, client: str) -> None:
    (project.folder / "environment.yml").unlink()
    sentence = error_sentence(project.tools("conda", PATH=client))
    assert "answer `conda` with yes" in sentence
