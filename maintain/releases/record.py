"""The template's releases: read ``releases.yml`` and make the tags that Copier looks for."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml
from packaging.version import InvalidVersion, Version

from maintain import ROOT
from maintain.errors import MaintainError

RELEASES = ROOT / "releases.yml"


class ReleaseError(MaintainError):
    """What is wrong with the list of releases or a clone's tags, in one sentence."""


@dataclass(frozen=True)
class Release:
    """One release: a PEP 440 version and the full hash of its commit."""

    version: str
    commit: str


def load(path: Path = RELEASES) -> list[Release]:
    """Return the releases, oldest first.

    Raises:
        ReleaseError: An entry is damaged, or the versions do not rise.
    """
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> list[Release]:
    """Return the releases that the text of ``releases.yml`` lists, oldest first.

    Raises:
        ReleaseError: An entry is damaged, or the versions do not rise.
    """
    rows = yaml.safe_load(text)
    if not isinstance(rows, list):
        raise ReleaseError("releases.yml must be a list of entries with version and commit.")
    releases = [_checked(number, row) for number, row in enumerate(rows, start=1)]
    versions = [Version(release.version) for release in releases]
    if versions != sorted(set(versions)):
        raise ReleaseError("releases.yml: versions must rise from entry to entry.")
    return releases


def check_history(root: Path = ROOT) -> None:
    """Compare the list with every committed state of it: entries are added, never changed.

    Raises:
        ReleaseError: An entry of a commit in the history is not there, or says something else.
    """
    now = load(root / RELEASES.name)
    commits = _git(root, "log", "--format=%H", "--", RELEASES.name)
    for commit in (commits or "").split():
        text = _git(root, "show", f"{commit}:{RELEASES.name}")
        earlier = parse(text) if text is not None else []  # that commit removed the file
        for release in earlier:
            if release not in now:
                raise ReleaseError(
                    f"releases.yml has lost or changed {release.version}, which commit "
                    f"{commit[:12]} has: entries never change, restore it."
                )


def appended(text: str, release: Release) -> str:
    """Return the text of ``releases.yml`` with one more release."""
    before = text.removesuffix("[]\n")
    return f'{before}- version: "{release.version}"\n  commit: {release.commit}\n'


def _checked(number: int, row: object) -> Release:
    if not isinstance(row, dict) or set(row) != {"version", "commit"}:
        raise ReleaseError(f"releases.yml entry {number} must have exactly version and commit.")
    release = Release(str(row["version"]), str(row["commit"]))
    if len(release.commit) != 40:
        raise ReleaseError(f"releases.yml entry {number}: commit must be a full hash.")
    try:
        Version(release.version)
    except InvalidVersion as error:
        raise ReleaseError(f"releases.yml entry {number}: {error}.") from error
    return release


def tag(clone: Path, releases: list[Release]) -> list[Release]:
    """Make the tags that a clone lacks and return the releases that got one.

    Raises:
        ReleaseError: A tag points at another commit, or a commit is not in the clone.
    """
    missing = []
    for release in releases:
        present = _git(clone, "rev-parse", "--quiet", "--verify", f"{release.version}^{{commit}}")
        if present is None:
            missing.append(release)
        elif present != release.commit:
            raise ReleaseError(
                f"tag {release.version} points at {present}, the release is {release.commit}: "
                "tags never move, restore it."
            )
    for release in missing:
        if _git(clone, "tag", release.version, release.commit) is None:
            raise ReleaseError(f"commit {release.commit} of {release.version} is not in {clone}.")
    return missing


def _git(clone: Path, *arguments: str) -> str | None:
    done = subprocess.run(
        ["git", *arguments], cwd=clone, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None
