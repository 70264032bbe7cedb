"""What an environment lacks is found: its Python, packages of the locks, files of a package."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from envkeep.environments import integrity
from envkeep.environments.integrity import NotWholeError, Problem
from envkeep.paths import ROOT
from tests.envkeep.doctor.environments import Written

HERE = ".".join(map(str, sys.version_info[:2]))
PATCH = ".".join(map(str, sys.version_info[:3]))
LOCKED = {"numpy": "2.4.6", "mypy": "1.19"}


@pytest.fixture
def made(tmp_path: Path) -> Written:
    """Return an environment of two packages whose Python is the one that runs the tests."""
    found = Written.make(tmp_path / "venv", tmp_path, HERE)
    settings = f"home = {tmp_path}\nversion_info = {PATCH}\n"
    (found.folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    (found.folder / "bin").mkdir()
    (found.folder / "bin" / "python").symlink_to(sys.executable)
    found.add("numpy", "2.4.6", {"numpy/__init__.py": b"", "numpy/core.py": b"core = 1\n"})
    found.add("mypy", "1.19", {"mypy/api.py": b"api = 1\n", "__pycache__/m.pyc": b""})
    return found


def judged(made: Written, *, every_file: bool = True) -> Problem | None:
    return integrity.problem(made.folder, HERE, LOCKED, ("shop",), every_file=every_file)


@pytest.mark.parametrize("every_file", [True, False])
def test_what_was_made_is_as_it_was_made(made: Written, *, every_file: bool) -> None:
    made.add("shop", "0.1")
    made.add("of-conda", "1", installer="conda")
    shutil.rmtree(made.packages / "__pycache__")
    assert judged(made, every_file=every_file) is None


def test_the_project_under_another_name_is_nobodys_addition(made: Written) -> None:
    folder = made.add("called-otherwise", "1")
    (folder / "direct_url.json").write_text(f'{{"url": "{ROOT.as_uri()}"}}', encoding="utf-8")
    assert judged(made) is None


def test_metadata_that_its_makers_wrote_so_are_no_reason_to_refuse_a_package(made: Written) -> None:
    folder = made.add("old", "1", {})
    (folder / "METADATA").write_bytes(b"Name: old\nVersion: 1\nAuthor: J\xfcrgen\n")
    record = (folder / "RECORD").read_text(encoding="utf-8")
    size = (folder / "METADATA").stat().st_size
    lines = [
        f"{line.rpartition(',')[0]},{size}" if "METADATA" in line else line
        for line in record.splitlines()
    ]
    (folder / "RECORD").write_text("\n".join(lines), encoding="utf-8")
    integrity.require_whole(made.folder)
    wanted = {**LOCKED, "old": "1"}
    assert integrity.problem(made.folder, HERE, wanted, every_file=True) is None


@pytest.mark.parametrize("stated", ["3.99", "{}rc1", "{}.final.0"])
def test_other_spellings_of_a_version_are_no_upgrade(stated: str, made: Written) -> None:
    text = f"version_info = {stated.format(PATCH)}\n"
    (made.folder / "pyvenv.cfg").write_text(text, encoding="utf-8")
    assert integrity.problem_with_python(made.folder, HERE) is None


def gone(made: Written) -> None:
    (made.folder / "bin" / "python").unlink()
    (made.folder / "bin" / "python").symlink_to("/nowhere/python3")


def without_home(made: Written) -> None:
    (made.folder / "pyvenv.cfg").write_text("home = /nowhere\n", encoding="utf-8")


def without_a_package(made: Written) -> None:
    for path in (made.packages / "mypy-1.19.dist-info", made.packages / "mypy"):
        shutil.rmtree(path)


def without_the_files_of_a_package(made: Written) -> None:
    shutil.rmtree(made.packages / "mypy")


def without_a_record(made: Written) -> None:
    (made.packages / "mypy-1.19.dist-info" / "RECORD").unlink()


@pytest.mark.parametrize("every_file", [True, False])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (gone, "its Python is gone"),
        (without_home, "its Python is gone from /nowhere"),
        (without_a_package, "it lacks mypy"),
        (without_the_files_of_a_package, "mypy"),
        (without_a_record, "mypy-1.19"),
    ],
)
def test_what_keeps_programs_from_running_is_found_also_at_a_glance(
    spoil: object, words: str, made: Written, *, every_file: bool
) -> None:
    assert callable(spoil)
    spoil(made)
    found = judged(made, every_file=every_file)
    assert found is not None
    assert found.breaks
    assert words in found.text


def test_another_python_behind_the_same_link(made: Written) -> None:
    found = integrity.problem_with_python(made.folder, "2.7")
    assert found == Problem(f"its Python was 2.7 and is {PATCH} now")
    settings = f"home = {made.folder}\nversion = {HERE}.99\n"
    (made.folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    found = integrity.problem_with_python(made.folder, HERE)
    assert found == Problem(f"its Python was {HERE}.99 and is {PATCH} now", breaks=False)


@pytest.mark.parametrize("every_file", [True, False])
def test_what_came_by_hand_does_not_keep_programs_from_running(
    made: Written, *, every_file: bool
) -> None:
    made.add("tomli-w", "1.2")
    found = judged(made, every_file=every_file)
    assert found == Problem("it has tomli-w 1.2, which no lock has", breaks=False)
    shutil.rmtree(made.packages / "numpy-2.4.6.dist-info")
    made.add("numpy", "2.3.0", {"numpy/__init__.py": b"", "numpy/core.py": b"core = 1\n"})
    found = judged(made, every_file=every_file)
    words = "it has other versions than the locks: numpy 2.3.0 (locked: 2.4.6)"
    assert found == Problem(words, breaks=False)


def test_of_other_locks_only_the_files_are_judged(made: Written) -> None:
    assert integrity.problem(made.folder, HERE, None, every_file=True) is None


@pytest.mark.parametrize("content", [None, b"", b"core"], ids=["gone", "empty", "cut off"])
def test_every_file_is_there_with_its_size(content: bytes | None, made: Written) -> None:
    file = made.packages / "numpy" / "core.py"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(
        NotWholeError, match=r"1 file of numpy gone or not whole, such as .*core\.py, after"
    ):
        integrity.require_whole(made.folder)


def test_a_file_of_two_packages_has_the_size_of_one_of_them(made: Written) -> None:
    shared = made.packages / "shared.py"
    made.add("first", "1", {"shared.py": b"of the first\n"})
    made.add("second", "1", {"shared.py": b""})
    integrity.require_whole(made.folder)
    shared.write_bytes(b"of the first\n")
    integrity.require_whole(made.folder)
    shared.write_bytes(b"of nobody")
    with pytest.raises(NotWholeError) as caught:
        integrity.require_whole(made.folder)
    assert caught.value.names == ("first", "second")


def test_metadata_that_were_changed_after_they_were_listed_are_no_damage(made: Written) -> None:
    # As in the wheel of decord 0.6.0.
    folder = made.add(
        "decord", "0.6.0", {"decord-0.6.0.dist-info/top_level.txt": b"decord libdecord"}
    )
    (folder / "top_level.txt").write_bytes(b"decord")
    integrity.require_whole(made.folder)


def test_what_conda_brings_is_its_own_affair(made: Written) -> None:
    made.add("of-conda", "1", {"of_conda.py": b"/build/prefix"}, installer="conda")
    (made.packages / "of_conda.py").write_bytes(b"/here")
    made.add("pip", "26.0", {"../../../bin/pip": b""}, installer="pip")
    (made.folder / "bin" / "pip").unlink()
    (made.folder / "conda-meta").mkdir()
    (made.folder / "conda-meta" / "pip-26.0-py_0.json").touch()
    integrity.require_whole(made.folder)


def test_an_installation_without_a_locked_package_is_refused(made: Written, tmp_path: Path) -> None:
    lock = tmp_path / "30-prod.txt"
    lock.write_text(
        "mypy==1.19\nnumpy==2.4.6 --hash=sha256:0\ntorch @ file:///torch.whl\n", encoding="utf-8"
    )
    with pytest.raises(integrity.ToolError, match="torch of the locks did not come with"):
        integrity.require_locked(made.folder, [lock])
    made.add("torch", "2.13.0+cpu")
    integrity.require_locked(made.folder, [lock])
