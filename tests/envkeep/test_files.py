"""Sizes as people read them; files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep import files


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
