"""The interpreter of an archive is used where there is no other."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from envkeep.archive import interpreter
from envkeep.archive.layout import PYTHON, Layout
from envkeep.archive.manifest import Manifest
from envkeep.errors import ToolError
from envkeep.toolchain import interpreters
from envkeep.toolchain.interpreters import find_interpreter, unpacked
from tests.envkeep.archive.test_manifest import SYSTEM

VERSION = "3.99"
WORKS = f'#!/bin/sh\necho "{VERSION} $0"\n'
LIBRARY = "Python-3.99/lib/python3.99/_sysconfigdata__linux_x86_64-linux-gnu.py"


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of environments of a project whose Python nobody has."""
    folder = tmp_path / "project" / ".venvs"
    folder.mkdir(parents=True)
    monkeypatch.setattr(interpreters, "ENVIRONMENTS", folder)
    monkeypatch.setattr(interpreter, "python_version", lambda: VERSION)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    return folder


def packed(folder: Path, files: Mapping[str, str]) -> Manifest:
    """Return an archive with an interpreter in it."""
    with tarfile.open(folder / PYTHON, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size = 0o755, len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return Manifest(Layout(folder), {"python": VERSION}, SYSTEM, {PYTHON: "its hash"})


def test_it_is_unpacked_and_found_from_then_on(
    environments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interpreter.ensure(packed(tmp_path, {"Python-3.99/bin/python3.99": WORKS}))
    place = unpacked(VERSION)
    assert f"unpacking the saved one to {place}." in capsys.readouterr().out
    assert find_interpreter(VERSION) == place / "bin" / "python3.99"
    assert [path.name for path in environments.iterdir()] == [place.name]
    assert (place / "complete").exists(), "it would count as a half-made environment"


def test_what_is_on_the_machine_is_preferred(
    environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter.interpreters, "find_interpreter", lambda version: tmp_path)
    interpreter.ensure(packed(tmp_path, {"Python-3.99/bin/python3.99": WORKS}))
    assert not list(environments.iterdir())


def test_without_an_archive_the_error_says_how_one_comes(
    environments: Path, tmp_path: Path
) -> None:
    with pytest.raises(ToolError) as caught:
        interpreter.ensure(Manifest(Layout(tmp_path), {"python": VERSION}, SYSTEM))
    assert "pyenv install 3.99" in str(caught.value)
    assert "holds none, as `make save` packs it only with ARGS=--python." in str(caught.value)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"Python-3.99/bin/python3.99": "#!/bin/sh\nexit 127\n"}, "does not run in"),
        ({"Python-3.99/bin/python3.99": "#!/bin/sh\necho 3.98 $0\n"}, "does not run in"),
        ({"Python-3.99/README": ""}, "does not run in"),
        ({"one/x": "", "two/x": ""}, "cannot be unpacked"),
        ({"../outside": ""}, "cannot be unpacked"),
        ({}, "cannot be unpacked"),
    ],
)
def test_what_does_not_run_leaves_nothing_behind(
    environments: Path, tmp_path: Path, files: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(ToolError, match=sentence):
        interpreter.ensure(packed(tmp_path, files))
    assert not list(environments.iterdir())


def test_the_error_names_where_it_was(environments: Path, tmp_path: Path) -> None:
    files = {LIBRARY: "build_time_vars = {'prefix': '/opt/pythons/3.99'}\n"}
    with pytest.raises(ToolError, match=r"`tar -C /opt/pythons -xzf .*python\.tar\.gz`"):
        interpreter.ensure(packed(tmp_path, files))


def test_what_an_interrupted_restore_left_is_replaced(environments: Path, tmp_path: Path) -> None:
    for name in (unpacked(VERSION).name, f"{unpacked(VERSION).name}.new"):
        (environments / name / "bin").mkdir(parents=True)
        (environments / name / "left-over").touch()
    interpreter.ensure(packed(tmp_path, {"Python-3.99/bin/python3.99": WORKS}))
    assert not list(environments.rglob("left-over"))


def test_a_program_looks_for_its_library_beside_itself(tmp_path: Path) -> None:
    home, program = "/home/somebody/.pyenv/versions/3.99.1", tmp_path / "bin" / "python3.99"
    for path in (program, tmp_path / LIBRARY.partition("/")[2]):
        path.parent.mkdir(parents=True)
    program.write_bytes(f"ELF\0{home}/lib\0{home}/lib/other\0end".encode())
    assert interpreter.movable(program) is None, "nothing says where it lay"
    (tmp_path / LIBRARY.partition("/")[2]).write_text(f"build_time_vars = {{'prefix': '{home}'}}")
    freed = interpreter.movable(program)
    assert freed is not None
    assert len(freed) == program.stat().st_size
    assert freed.startswith(b"ELF\0$ORIGIN/../lib\0\0")
    assert freed.endswith(f"\0{home}/lib/other\0end".encode())
    program.write_bytes(freed)
    assert interpreter.movable(program) is None
