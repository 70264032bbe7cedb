"""Copies of a project: of its files now, and of a commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.project import snapshot
from tests.support.copier_runs import git


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with a commit, a change since, a new file and an ignored one."""
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / ".gitignore").write_text("ignored\n", encoding="utf-8")
    (root / "src" / "code.py").write_text("old\n", encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    (root / "src" / "code.py").write_text("new\n", encoding="utf-8")
    (root / "added.py").touch()
    (root / "ignored").touch()
    monkeypatch.setattr(snapshot, "ROOT", root)
    return root


def files_of(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_a_copy_of_now_has_what_was_not_committed_and_nothing_ignored(project: Path) -> None:
    with snapshot.of_now() as copy:
        assert files_of(copy) == {
            ".gitignore": "ignored\n",
            "src/code.py": "new\n",
            "added.py": "",
        }
    assert not copy.exists()


def test_a_copy_of_a_commit_has_its_files(project: Path) -> None:
    with snapshot.of_commit("HEAD") as copy:
        assert files_of(copy) == {".gitignore": "ignored\n", "src/code.py": "old\n"}


def test_a_copy_uses_folders_of_the_project(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    snapshot.lend(copy, [project / "src"])
    assert (copy / "src").readlink() == project / "src"
