"""`make release`: what is in its way, and that it is made whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from maintain import ROOT
from maintain.releases import publish
from maintain.releases.record import Release, ReleaseError, load
from maintain.stack.data import load_release
from scripts import release
from tests.support.copier_runs import git

DAY = date(2027, 1, 31)
STACK = load_release(ROOT / "stack")
CHANGELOG = f"""\
# Changelog

## Unreleased

Stack release {STACK.name}:
torch {STACK.torch}.

- Something new.

## 0.1.0 - 2026-11-21

First release.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository that is ready for a release after 0.1.0."""
    root = tmp_path / "repository"
    (root / "stack").mkdir(parents=True)
    shutil.copy(ROOT / "stack" / "release.yml", root / "stack")
    (root / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    git(root, "init", "--quiet")
    save(root)
    first = git(root, "rev-parse", "HEAD").strip()
    (root / "releases.yml").write_text(f'# All.\n- version: "0.1.0"\n  commit: {first}\n')
    save(root)
    git(root, "tag", "0.1.0", first)
    return root


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the checks that need the whole template as passed; other tests run them."""
    monkeypatch.setattr(publish, "check_generated", lambda root: None)
    monkeypatch.setattr(publish, "check_earlier_releases", lambda root: None)


def save(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Work")


def state(root: Path) -> tuple[str, str, str]:
    return (
        git(root, "log", "--all", "--format=%H %D"),
        git(root, "status", "--porcelain"),
        (root / "CHANGELOG.md").read_text(encoding="utf-8"),
    )


@pytest.mark.usefixtures("passing")
def test_a_release_is_committed_recorded_and_tagged(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = git(repository, "rev-parse", "HEAD").strip()
    assert release.main(["0.2.0"], repository) == 0
    recording, released, earlier = git(repository, "log", "-3", "--format=%H").split()
    assert earlier == before
    assert load(repository / "releases.yml")[1:] == [Release("0.2.0", released)]
    assert git(repository, "rev-parse", "0.2.0").strip() == released
    assert git(repository, "diff", "--name-only", before, released).split() == ["CHANGELOG.md"]
    assert git(repository, "diff", "--name-only", released, recording).split() == ["releases.yml"]
    assert git(repository, "status", "--porcelain") == ""
    assert "git push --atomic REMOTE main 0.2.0" in capsys.readouterr().out


def test_the_changelog_gets_version_and_day(repository: Path) -> None:
    publish.publish(repository, "0.2.0", DAY)
    text = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text == CHANGELOG.replace("## Unreleased", "## 0.2.0 - 2027-01-31")


@pytest.mark.usefixtures("passing")
def test_a_dry_run_changes_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(repository)
    assert release.main(["0.2.0", "--dry-run"], repository) == 0
    assert state(repository) == before
    assert "0.2.0 can be made" in capsys.readouterr().out


@pytest.mark.usefixtures("passing")
def test_a_commit_during_the_checks_stops_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def meanwhile(root: Path) -> None:
        (root / "new").write_text("new\n")
        save(root)

    monkeypatch.setattr(publish, "check_earlier_releases", meanwhile)
    assert release.main(["0.2.0"], repository) == 1
    assert "main has moved during the checks" in capsys.readouterr().err
    assert git(repository, "tag").split() == ["0.1.0"]


@pytest.mark.parametrize("stage", ["record", "tag", "interrupted"])
def test_a_failure_half_way_leaves_everything_as_it_was(
    stage: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: Path) -> None:
        raise KeyboardInterrupt if stage == "interrupted" else ReleaseError("no")

    if stage == "tag":
        (repository / ".git" / "refs" / "tags" / "0.2.0.lock").touch()
    else:
        monkeypatch.setattr(publish, "check_history", fail)
    before = state(repository)
    with pytest.raises((ReleaseError, KeyboardInterrupt)):
        publish.publish(repository, "0.2.0", DAY)
    assert state(repository) == before


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("one", "is not a version"),
        ("v0.2.0", "write it as 0.2.0"),
        ("0.2.0-rc1", "write it as 0.2.0rc1"),
        ("0.2.0+ours", "write it as 0.2.0"),
        ("0.1.0", "is not higher than 0.1.0"),
        ("0.1.0rc1", "is not higher than 0.1.0"),
    ],
)
def test_a_bad_version_is_refused(version: str, said: str, repository: Path) -> None:
    with pytest.raises(ReleaseError, match=said):
        publish.check_repository(repository, version)


def a_changed_entry(root: Path) -> None:
    head = git(root, "rev-parse", "HEAD").strip()
    (root / "releases.yml").write_text(f'- version: "0.1.0"\n  commit: {head}\n')
    save(root)


def a_lost_entry(root: Path) -> None:
    (root / "releases.yml").write_text("[]\n")
    save(root)


def a_tag_elsewhere(root: Path) -> None:
    git(root, "clone", "--quiet", "--bare", str(root), str(root.parent / "origin"))
    git(root.parent / "origin", "tag", "0.2.0", "main")
    git(root, "remote", "add", "origin", str(root.parent / "origin"))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda root: git(root, "switch", "--quiet", "--create", "work"), "and work is here"),
        (lambda root: (root / "new").touch(), "the work tree has changes"),
        (lambda root: git(root, "tag", "0.2.0"), "the tag 0.2.0 exists here"),
        (lambda root: git(root, "tag", "2027.01.02"), "the tag 2027.01.02 is no release"),
        (a_tag_elsewhere, "origin has the tag 0.2.0"),
        (lambda root: git(root, "remote", "add", "far", "/nowhere"), "ls-remote --tags failed"),
        (a_changed_entry, "lost or changed 0.1.0"),
        (a_lost_entry, "lost or changed 0.1.0"),
    ],
    ids=[
        "branch",
        "changes",
        "tag",
        "stray-tag",
        "tag-elsewhere",
        "unreachable",
        "changed",
        "lost",
    ],
)
def test_a_repository_that_is_not_ready_is_refused(
    harm: Callable[[Path], object], said: str, repository: Path
) -> None:
    harm(repository)
    with pytest.raises(ReleaseError, match=said):
        publish.check_repository(repository, "0.2.0")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## Unreleased", "## Later", "nothing under '## Unreleased'"),
        (CHANGELOG[CHANGELOG.index("Stack") : CHANGELOG.index("## 0")], "", "nothing under"),
        (f"torch {STACK.torch}", "torch 0.0.1", f"does not say 'Stack release {STACK.name}: torch"),
    ],
    ids=["no-section", "empty", "another-torch"],
)
def test_a_changelog_that_does_not_tell_is_refused(
    old: str, new: str, said: str, repository: Path
) -> None:
    publish.check_changelog(repository)
    (repository / "CHANGELOG.md").write_text(CHANGELOG.replace(old, new), encoding="utf-8")
    with pytest.raises(ReleaseError, match=said):
        publish.check_changelog(repository)
