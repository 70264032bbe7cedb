"""Sizes as people read them; files that are whole or not there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envkeep import files
from envkeep.errors import ToolError
from tests.support.engine import variables


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1 kB"),
        (12_345, "12.3 kB"),
        (372_000_000, "372 MB"),
        (999_999_999, "1 GB"),
        (1_234_000_000_000, "1.23 TB"),
    ],
)
def test_sizes_in_words(size: float, words: str) -> None:
    assert files.in_words(size) == words


def test_links_do_not_count_for_a_folders_size(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"12345")
    before = files.size_of(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "inner" / "file")
    assert files.size_of(tmp_path) == before == 5


def test_a_file_that_cannot_be_written_keeps_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_lock_is_held_by_one_command_and_freed_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "in-use"
    with files.locked(path) as first:
        with files.locked(path) as second:
            assert (first, second) == (True, False)
        hold = "import sys, pathlib, envkeep.files as f\n"
        hold += "with f.locked(pathlib.Path(sys.argv[1])) as mine: print(mine)"
        command = [sys.executable, "-c", hold, str(path)]
        other = subprocess.run(command, env=variables(tmp_path), capture_output=True, text=True)
        assert other.stdout == "False\n", other.stderr
    with files.locked(path) as again:
        assert again


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_where_the_file_system_has_no_locks_a_file_stands_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """As on Lustre that is mounted without them."""
    monkeypatch.setattr("fcntl.flock", failing(errno.ENOSYS))
    with files.locked(tmp_path / "in-use") as first, files.locked(tmp_path / "in-use") as second:
        assert (first, second) == (True, False)
    with files.locked(tmp_path / "in-use") as again:
        assert again
    assert not recwarn.list


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_a_network_file_system_that_cannot_lock_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS whose server runs no lock daemon."""
    monkeypatch.setattr("fcntl.flock", failing(errno.ENOLCK))
    refused = pytest.raises(ToolError, match=r"in-use cannot be locked \(No locks available\)")
    with refused, files.locked(tmp_path / "in-use"):
        pass


def failing(number: int) -> Callable[[int, int], None]:
    def flock(descriptor: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    return flock
