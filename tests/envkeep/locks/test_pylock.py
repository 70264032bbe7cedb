"""A lock as PEP 751 has it is compared with the lock that it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.locks import lock_set, pylock
from envkeep.project.target import Target

A, B = "a" * 64, "b" * 64
LOCK = f"demo==1.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n    # via -r x.in\n"
PACKAGE = """
[[packages]]
name = "{name}"
version = "{version}"
wheels = [{{ url = "https://files.example/d.whl", hashes = {{ sha256 = "{sha256}" }} }}]
"""
TARGET = Target("linux-x86_64", "cpu")


class Writing:
    """Stands for uv: writes a text in place of the form of a lock."""

    text = ""

    def __init__(self, *_: object) -> None:
        """Take what the resolver is given."""

    def write_pylock(self, lock: Path, output: Path) -> None:
        """Write the text."""
        output.write_text(f'lock-version = "1.0"\n{self.text}', encoding="utf-8")


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        ([("Demo", "1.0", A)], ""),
        ([("demo", "1.0", "c" * 64)], "demo==1.0 has the hash sha256:ccc"),
        ([("demo", "2.0", A)], "demo==1.0 is 2.0"),
        ([("demo", "1.0", A), ("other", "1", A)], "other is only in one of them"),
        ([], "demo is only in one of them"),
    ],
)
def test_it_has_the_packages_of_the_lock_and_no_other_file(
    packages: list[tuple[str, str, str]],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = tmp_path / TARGET.name / "30-prod.txt"
    lock.parent.mkdir()
    lock.write_text(LOCK, encoding="utf-8")
    rows = (dict(zip(("name", "version", "sha256"), each, strict=True)) for each in packages)
    monkeypatch.setattr(Writing, "text", "".join(PACKAGE.format(**row) for row in rows))
    monkeypatch.setattr(pylock, "Uv", Writing)
    monkeypatch.setattr(pylock, "torch_build", lambda *_: None)
    monkeypatch.setattr(lock_set.Locks, "names", ("30-prod",))
    if words:
        with pytest.raises(ToolError, match=words):
            pylock.write([TARGET], tmp_path)
        return
    pylock.write([TARGET], tmp_path)
    assert (tmp_path / TARGET.name / "pylock.30-prod.toml").exists()


def test_where_it_is_there_each_lock_renews_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_set, "LOCKS", tmp_path)
    (tmp_path / TARGET.name).mkdir()
    (tmp_path / TARGET.name / "30-prod.txt").touch()
    assert not pylock.present([TARGET])
    pylock.file_of(tmp_path / TARGET.name / "30-prod.txt").touch()
    assert pylock.present([TARGET])
    assert not pylock.present([])
