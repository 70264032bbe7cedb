"""The rendered devcontainers, read and opened by the official command line.

They stand on a stand-in of the base image; what is fetched while one opens is real.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.images.conftest import Images
from tests.infra.images.editor import Devcontainer, Editor, opened
from tests.infra.images.files import devcontainers
from tests.lifecycle.projects import succeeded
from tests.support.catalog import rows
from tests.support.copier_runs import git

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.xdist_group("images"),
]

CONFLICT = "<" * 7 + " ours"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Editor:
    return Editor.installed(tmp_path_factory.mktemp("editor"))


@pytest.fixture(scope="module")
def devcontainer(
    editor: Editor,
    images: Images,
    answers: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Devcontainer]:
    """Open a clone in which the host was used before: its tools are there, for its own Python."""
    folder = tmp_path_factory.mktemp("devcontainer") / "project"
    git(images.project.folder, "clone", "--quiet", str(images.project.folder), str(folder))
    shutil.copytree(images.project.folder / ".venvs", folder / ".venvs", symlinks=True)
    index = Path(answers.get("torch_index", ""))
    with opened(editor, images.engine, folder, index if index.is_absolute() else None) as found:
        yield found


def test_the_official_command_line_reads_every_devcontainer(
    folders: list[Path], editor: Editor
) -> None:
    flags = {row["backend"]: row["container"]["device_flags"] for row in rows("backends")}
    found = {path.read_bytes(): path for folder in folders for path in devcontainers(folder)}
    read = set()
    for path in found.values():
        project = next(each for each in path.parents if (each / "Dockerfile").exists())
        content = editor.configuration(project, path)
        backend = content["containerEnv"]["BACKEND"]
        assert content.get("runArgs", []) == flags[backend], path
        assert content["build"] == devcontainers(project)[path]["build"], path
        assert content["postCreateCommand"] == "make setup", path
        read.add(backend)
    assert read == {row["backend"] for row in rows("backends") if row["container"]["base_image"]}


def test_a_devcontainer_opens_ready_to_run(devcontainer: Devcontainer) -> None:
    assert " passed" in succeeded(devcontainer.run("make", "test")).stdout
    succeeded(devcontainer.run("make", "lint"))


def test_git_in_a_devcontainer_refuses_what_the_hooks_refuse(devcontainer: Devcontainer) -> None:
    person = "git -c user.name=Somebody -c user.email=somebody@example.org"
    told = f"echo '{CONFLICT}' > notes.md && git add notes.md && {person} commit -m notes"
    done = devcontainer.run("sh", "-c", told)
    assert done.returncode != 0
    assert "notes.md:1: an open conflict" in f"{done.stdout}{done.stderr}"
