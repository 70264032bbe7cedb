"""The Pythons of `requires-python`, for which uv's and Poetry's locks are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.errors import CommandError, ToolError
from envkeep.locks import group_lock, package_index, python_range
from envkeep.locks.group_lock import GroupLock
from envkeep.locks.index_pages import IndexFile
from envkeep.locks.poetry_lock import POETRY
from envkeep.locks.uv_lock import UV, UvLock
from envkeep.toolchain import interpreters
from tests.envkeep.locks.grouped import CPU, MAC, OWN, edit, locked


@pytest.fixture
def pyproject(folder: Path) -> Path:
    """Return the project's file."""
    return folder.parent / "pyproject.toml"


def ask_for(pyproject: Path, wanted: str) -> None:
    """Write another range into a project's file."""
    pyproject.write_text(OWN.replace("==3.12.*", wanted), encoding="utf-8")


@pytest.mark.parametrize("manager", [UV, POETRY], ids=lambda each: each.answer)
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("==3.12.5", r"`==3\.12\.5` does not admit Python 3\.12\.7 of here"),
        (">=3.13", r"does not admit Python 3\.12\.7"),
        (">=3.12.5", r"admits other Pythons than 3\.12"),
        (">=3.9,<3.13", r"admits other Pythons than 3\.12"),
        ("twelve", r"`twelve`, which is no range"),
        ("", r"has no requires-python"),
    ],
)
def test_pythons_that_no_layer_is_locked_for_are_one_sentence(
    pyproject: Path, manager: GroupLock, asked: str, words: str
) -> None:
    ask_for(pyproject, asked)
    with pytest.raises(ToolError, match=words) as refused:
        manager.refuse()
    assert 'write `requires-python = "==3.12.*"`' in str(refused.value)


@pytest.mark.parametrize("asked", ["==3.12.*", "==3.12.7", ">=3.12.5,<3.13", "==3.12.*,!=3.12.3"])
def test_fewer_patches_of_the_same_python_may_be_asked_for(pyproject: Path, asked: str) -> None:
    ask_for(pyproject, asked)
    UV.refuse()


def test_ranges_are_the_same_where_they_admit_the_same_patches(folder: Path) -> None:
    assert python_range.admits_the_same("==3.12.*,>=3.12.5", ">=3.12.5, <3.13")
    assert not python_range.admits_the_same("==3.12.*", ">=3.12.5, <3.13")
    assert not python_range.admits_the_same("==3.12.*", ">=3.12,<3.12.3 || >3.12.3,<3.13")


def test_a_lock_for_other_patches_is_made_anew(
    folder: Path, pyproject: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(folder, CPU, prod="numpy==2.5\n")
    top = folder.parent / "new" / "requirements" / "locks"
    top.mkdir(parents=True)
    lock = folder.parent / "uv.lock"
    lock.write_text('requires-python = "==3.12.*"\n', encoding="utf-8")
    made: list[str] = []
    monkeypatch.setattr(UvLock, "resolve", lambda _, __, text, ___: made.append(text))
    monkeypatch.setattr(UvLock, "problems", lambda *_: [])
    uv = UvLock("uv", UV.knows, lock)
    pyproject.write_text(uv.project(top).replaced_in(OWN, uv.project(top).text()), "utf-8")
    uv.write(top)
    assert not made
    edit(pyproject, "==3.12.*", "==3.12.*,>=3.12.5")
    uv.write(top)
    assert len(made) == 1


def test_locks_for_other_machines_hold_from_the_first_patch_on(
    folder: Path, pyproject: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on this machine, a marker may hold for early patches alone."""
    assert python_range.first() == "3.12"
    monkeypatch.setattr(group_lock, "targets_here", lambda: (CPU,))
    early = ["old==1.0 ; python_full_version < '3.12.3'"]
    monkeypatch.setattr(UvLock, "exported", lambda *_: early)
    locked(folder, CPU)
    assert UV.problems(UV.knows((CPU,)), folder) == []
    locked(folder, MAC, dev="old==1.0\n", prod="old==1.0\n")
    assert UV.problems(UV.knows((MAC,)), folder) == []
    ask_for(pyproject, "==3.12.*,>=3.12.5")
    assert python_range.first() == "3.12.5"
    assert "old==1.0 is only in the layers" in UV.problems(UV.knows((MAC,)), folder)[0]
    for none in ("three", ">=3.13"):
        ask_for(pyproject, none)
        assert python_range.first() == "3.12"
    pyproject.unlink()
    assert python_range.first() == "3.12"


@pytest.mark.parametrize("manager", [UV, POETRY], ids=lambda each: each.answer)
def test_a_version_for_later_patches_is_named_with_the_range_that_it_needs(
    folder: Path, manager: GroupLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = folder.parent / "new" / "requirements" / "locks"
    locked(top.parent, CPU, train="torch==2.9+cpu\nnumpy==2.5\n", dev="demo==1.0\n")
    files = {
        "numpy": [IndexFile("numpy-2.5-py3-none-any.whl", "x", requires_python=">=3.11")],
        "demo": [IndexFile("demo-1.0-py3-none-any.whl", "x", requires_python=">=3.12.5")],
    }

    def fail(*_: object) -> None:
        raise CommandError("no")

    monkeypatch.setattr(type(manager), "resolve", fail)
    monkeypatch.setattr(
        package_index, "files_of", lambda names: {each: files[each] for each in names}
    )
    with pytest.raises(ToolError) as refused:
        manager.write(top)
    assert str(refused.value) == (
        "demo 1.0 is for Python >=3.12.5, and requires-python in pyproject.toml admits 3.12.0: "
        'write `requires-python = "==3.12.*,>=3.12.5"` there, or ask for another version; the '
        "locks were left as they were."
    )


def test_without_an_index_the_package_managers_own_reason_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = folder.parent / "new" / "requirements" / "locks"
    locked(top.parent, CPU, dev="demo==1.0\n")

    def fail(*_: object) -> None:
        raise CommandError("no")

    monkeypatch.setattr(UvLock, "resolve", fail)
    monkeypatch.setattr(package_index, "request", lambda _: (_ for _ in ()).throw(ToolError("no")))
    with pytest.raises(ToolError, match=r"uv\.lock cannot be made .*uv's reason is above"):
        UV.write(top)


def test_the_python_of_this_machine_is_what_counts(
    pyproject: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for(pyproject, "==3.12.*,>=3.12.5")
    UV.refuse()
    monkeypatch.setattr(interpreters, "whole_version", lambda: "3.12.3")
    with pytest.raises(ToolError, match=r"does not admit Python 3\.12\.3"):
        UV.refuse()
