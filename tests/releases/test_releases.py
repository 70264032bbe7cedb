"""The list of releases and the tags that are made from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from maintain import ROOT
from maintain.releases.record import Release, ReleaseError, check_history, load, tag


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a repository with two commits."""
    git(tmp_path, "init", "--quiet")
    for number in (1, 2):
        (tmp_path / "file").write_text(f"{number}\n")
        git(tmp_path, "add", "file")
        git(tmp_path, "commit", "--quiet", "--message", f"commit {number}")
    return tmp_path


def test_the_committed_list_is_valid_and_every_commit_is_in_the_history() -> None:
    history = git(ROOT, "rev-list", "HEAD").splitlines()
    for release in load():
        assert release.commit in history, release


def test_no_entry_ever_changed() -> None:
    check_history(ROOT)


def test_missing_tags_are_made_once(clone: Path) -> None:
    first, second = git(clone, "rev-list", "--reverse", "HEAD").splitlines()
    releases = [Release("0.1.0", first), Release("0.2.0", second)]
    git(clone, "tag", "0.1.0", first)
    assert tag(clone, releases) == releases[1:]
    assert git(clone, "rev-parse", "0.2.0") == second
    assert tag(clone, releases) == []


def test_a_tag_that_moved_is_refused(clone: Path) -> None:
    first, second = git(clone, "rev-list", "--reverse", "HEAD").splitlines()
    git(clone, "tag", "0.1.0", second)
    with pytest.raises(ReleaseError, match="tags never move"):
        tag(clone, [Release("0.1.0", first)])


def test_a_commit_that_the_clone_lacks_is_refused(clone: Path) -> None:
    with pytest.raises(ReleaseError, match="is not in"):
        tag(clone, [Release("0.1.0", "1" * 40)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n", "must be a list"),
        ("- version: '1.0'\n", "entry 1 must have exactly version and commit"),
        ("- {version: '1.0', commit: abc}\n", "must be a full hash"),
        (f"- {{version: 'one', commit: '{'a' * 40}'}}\n", "Invalid version"),
        (
            f"- {{version: '2', commit: '{'a' * 40}'}}\n- {{version: '1', commit: '{'b' * 40}'}}\n",
            "must rise",
        ),
    ],
    ids=["not-a-list", "no-commit", "short-hash", "not-a-version", "falling"],
)
def test_a_damaged_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "releases.yml"
    path.write_text(text)
    with pytest.raises(ReleaseError, match=said):
        load(path)
