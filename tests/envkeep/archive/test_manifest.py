"""What an archive is believed, and what a difference between two machines means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envkeep.archive import manifest, system
from envkeep.archive.layout import Layout
from envkeep.archive.manifest import Manifest
from envkeep.archive.system import System
from envkeep.errors import ToolError

SYSTEM = System(
    platform="linux-x86_64",
    release="Debian 12",
    processor="A processor",
    libc="2.36",
    driver="580.65",
    gpus=("A GPU",),
    python="3.12.4",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an archive."""
    folder = tmp_path / "saved"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "a.whl").write_bytes(b"wheel")
    layout = Layout(folder)
    Manifest(layout, {"python": "3.12"}, SYSTEM, layout.hashes(), ("30-prod",)).write()
    return folder


def test_what_was_saved_is_read_again(folder: Path) -> None:
    found = manifest.load(folder)
    found.verify()
    assert (found.system, found.layers, found.facts) == (SYSTEM, ("30-prod",), {"python": "3.12"})
    assert set(found.files) == {"files/a.whl"}


def remove(folder: Path) -> None:
    (folder / "files" / "a.whl").unlink()


def flip(folder: Path) -> None:
    (folder / "files" / "a.whl").write_bytes(b"wheeL")


def cut_off(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def damage(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1', encoding="utf-8")


def empty(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1}', encoding="utf-8")


def of_the_future(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**content, "format": 99}), encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (remove, "files/a.whl is missing in"),
        (flip, "files/a.whl in .* is damaged or was changed"),
        (cut_off, "was not saved to the end; run `make save` again"),
        (damage, "is damaged"),
        (empty, "is damaged"),
        (of_the_future, "was saved by a newer envkeep"),
    ],
)
def test_what_was_harmed_is_refused(
    folder: Path, harm: Callable[[Path], None], sentence: str
) -> None:
    harm(folder)
    with pytest.raises(ToolError, match=sentence):
        manifest.load(folder).verify()


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is not a folder"):
        manifest.load(tmp_path / "nothing")


def test_the_same_machine_has_no_differences() -> None:
    assert list(system.differences(SYSTEM, SYSTEM)) == []


@pytest.mark.parametrize(
    ("now", "matters", "sentence"),
    [
        (replace(SYSTEM, driver="550.10"), True, "GPUs may not work"),
        (replace(SYSTEM, driver=None), True, "GPUs may not work"),
        (replace(SYSTEM, driver="590.1"), False, "newer drivers run older programs"),
        (replace(SYSTEM, libc="2.31"), True, "libraries may not load"),
        (replace(SYSTEM, gpus=()), False, "GPUs here: none, saved: A GPU"),
        (replace(SYSTEM, processor="Another"), False, "last digits"),
        (replace(SYSTEM, python="3.12.9"), False, "Python here is 3.12.9, it was 3.12.4"),
        (replace(SYSTEM, python="3.13.1"), True, "Python here is 3.13.1"),
        (replace(SYSTEM, platform="linux-arm64"), True, "this machine is linux-arm64"),
        (replace(SYSTEM, release="Ubuntu"), False, "the system here is Ubuntu"),
    ],
)
def test_a_difference_is_said_and_whether_it_matters(
    now: System, matters: bool, sentence: str
) -> None:
    ((found, can_break),) = system.differences(SYSTEM, now)
    assert sentence in found
    assert can_break is matters


def test_a_newer_glibc_is_no_difference() -> None:
    assert list(system.differences(SYSTEM, replace(SYSTEM, libc="2.41"))) == []
