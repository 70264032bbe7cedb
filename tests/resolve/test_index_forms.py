"""Where torch's wheels may come from, and what is said when they are not there."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lifecycle.projects import error_sentence
from tests.resolve.cells import PYTHON, representative
from tests.resolve.projects import LockedProject, Locks, Workshop, lock_all, locked, small
from tests.support.torch_index import TorchIndex, make_torch_index

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("resolve")]

CELL = representative("rocm")
INDEX = CELL.row.index


FORMS: dict[str, Callable[[TorchIndex, str, Path], str]] = {
    "folder-of-wheels": lambda index, address, folder: str(index.flat(folder / "wheels", INDEX)),
    "folder-per-index": lambda index, address, folder: str(index.root),
    "server-with-slash": lambda index, address, folder: f"{address}/",
    "file-address": lambda index, address, folder: index.root.as_uri(),
}


@pytest.mark.parametrize(
    "form",
    [
        form if form == "folder-of-wheels" else pytest.param(form, marks=pytest.mark.slow)
        for form in FORMS
    ],
)
def test_every_form_of_an_index_gives_the_same_locks(
    form: str,
    small_project: LockedProject,
    torch_index: TorchIndex,
    torch_address: str,
    tmp_path: Path,
) -> None:
    place = FORMS[form](torch_index, torch_address, tmp_path)
    again = locked(small_project.project, CELL, TORCH_INDEX=place)
    assert again.texts == small_project.locks.texts


@pytest.mark.slow
def test_a_folder_can_be_the_answer(
    workshop: Workshop, small_project: LockedProject, torch_index: TorchIndex, tmp_path: Path
) -> None:
    folder = torch_index.flat(tmp_path / "wheels", INDEX)
    project = small(workshop.fresh(CELL, torch_index=str(folder)))
    assert locked(project, CELL).texts == small_project.locks.texts


def nowhere(folder: Path) -> str:
    """Return an address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def without_this_python(folder: Path) -> str:
    """Return a folder of wheels for all Pythons but the project's."""
    wheels = {
        platform: each.model_copy(update={"pythons": sorted({*each.pythons} - {PYTHON})})
        for platform, each in CELL.row.wheels.items()
    }
    row = CELL.row.model_copy(update={"wheels": wheels})
    return str(make_torch_index(folder / "index", [row]).root)


def without_this_label(folder: Path) -> str:
    """Return a folder in which another build lies where the project's should be."""
    other = representative("cuda").row.model_copy(update={"index": INDEX})
    return str(make_torch_index(folder / "index", [other]).root)


def without_wheels(folder: Path) -> str:
    """Return an empty folder."""
    return str(folder)


def missing(folder: Path) -> str:
    """Return a folder that does not exist."""
    return str(folder / "missing")


@pytest.mark.parametrize(
    "place", [nowhere, without_this_python, without_this_label, without_wheels, missing]
)
def test_an_index_without_the_wheel_is_refused_and_the_locks_stay(
    place: Callable[[Path], str], small_project: LockedProject, tmp_path: Path
) -> None:
    address = place(tmp_path)
    project = small_project.project
    sentence = error_sentence(lock_all(project, CELL, TORCH_INDEX=address, UV_HTTP_RETRIES="0"))
    assert address in sentence, sentence
    assert "TORCH_INDEX" in sentence, sentence
    assert Locks.of(project, CELL.target).texts == small_project.locks.texts
