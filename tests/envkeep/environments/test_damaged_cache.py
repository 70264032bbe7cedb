"""A damaged cache of uv is named as such, with what cleans it; real uv, stub wheels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envkeep.errors import CommandError, ToolError
from envkeep.toolchain import locking_tools
from tests.support.stub_wheels import StubWheel

UV = Path(sys.executable).with_name("uv")
STUB = StubWheel("some-torch", "1.0+cpu")
NAMED = f"damaged copy of some-torch, nothing was changed: run `{UV} cache clean some-torch`, then"

Uv = Callable[..., str]


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Uv:
    """Return what runs uv with a cache of its own; it returns what uv printed if that failed."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    STUB.write(wheels)
    (tmp_path / "some.in").write_text("some-torch\n")
    monkeypatch.setattr(locking_tools, "tool", lambda _: UV)

    def uv(*arguments: str) -> str:
        done = subprocess.run(
            [UV, *arguments, "--no-index", "--find-links", str(wheels)],
            cwd=tmp_path,
            env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout if done.returncode else ""

    return uv


def install(uv: Uv, folder: Path) -> str:
    return uv("pip", "install", "--target", str(folder), "some-torch")


def without_folder(archive: Path) -> None:
    shutil.rmtree(archive)


def without_files(archive: Path) -> None:
    for path in archive.iterdir():
        shutil.rmtree(path)


def without_metadata(archive: Path) -> None:
    next(archive.glob("*.dist-info/METADATA")).unlink()


def without_sense(archive: Path) -> None:
    (pointer,) = archive.parent.parent.rglob("*.rev")
    pointer.write_bytes(b"x")


@pytest.mark.parametrize("damage", [without_folder, without_files, without_metadata, without_sense])
def test_installing_from_it(uv: Uv, damage: Callable[[Path], None], tmp_path: Path) -> None:
    assert install(uv, tmp_path / "first") == ""
    damage(*(tmp_path / "cache" / "archive-v0").iterdir())
    printed = install(uv, tmp_path / "second")
    with pytest.raises(ToolError) as refused:
        locking_tools.refuse_damaged_cache(CommandError("failed", printed))
    assert NAMED in str(refused.value)


def test_locking_with_it(uv: Uv, tmp_path: Path) -> None:
    compiling = ("pip", "compile", "--quiet", "--generate-hashes", "some.in")
    assert uv(*compiling, "--output-file", "lock.txt") == ""
    without_folder(*(tmp_path / "cache" / "archive-v0").iterdir())
    printed = uv(*compiling, "--upgrade")
    with pytest.raises(ToolError) as refused:
        locking_tools.refuse_damaged_cache(CommandError("failed", printed))
    assert NAMED in str(refused.value)


@pytest.mark.parametrize(
    "printed",
    [
        "error: No solution found: Because there is no version of some-torch==2.0",
        "failed to hardlink `/c/archive-v0/x/a.py`: No space left on device (os error 28)",
    ],
)
def test_another_failure_is_not_called_so(printed: str) -> None:
    locking_tools.refuse_damaged_cache(CommandError("failed", printed))
