"""Make a release of the template: check everything, then commit, record and tag it.

    python scripts/release.py VERSION [--dry-run]

Nothing is pushed; the last lines say what to push. Whatever stops it leaves the repository as it
was. docs/how-to/make-a-release.md explains each step.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from unittest.mock import patch

from packaging.version import InvalidVersion, Version

# `python scripts/release.py` puts scripts/ on the path, not the folder above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.answer_changes import load_changes
from scripts.release_updates import Case, cases, findings
from scripts.releases import ROOT, Release, ReleaseError, appended, check_history, load
from scripts.stack_data import StackError, load_release
from tests.support.copier_runs import stage

BRANCH = "main"
CHANGELOG = "CHANGELOG.md"
LIST = "releases.yml"
UNRELEASED = "## Unreleased"
GENERATED = (
    ("scripts/ownership.py", "--check"),
    ("scripts/hardware_page.py", "--check"),
    ("scripts/tested_on.py", "--check"),
    ("-m", "pytest", "-q", "tests/render/test_file_lists.py", "tests/launcher/test_wheel.py"),
)
"""Python commands that fail where a generated file differs from what it is made of."""

NEUTRAL_GIT = "[user]\n    name = Release check\n    email = release@example.org\n"


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command.

    Returns:
        0 when the release is made, or could be made; 1 when something is in its way.
    """
    parser = argparse.ArgumentParser(description="Make a release of the template.")
    parser.add_argument("version", help="PEP 440, higher than all before; for example 0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="check only, change nothing")
    options = parser.parse_args(arguments)
    try:
        commit = check_repository(root, options.version)
        check_changelog(root)
        check_generated(root)
        check_earlier_releases(root)
        if options.dry_run:
            print(f"release: {options.version} can be made of {commit[:12]}; nothing was changed.")
            return 0
        if check_repository(root, options.version) != commit:
            raise ReleaseError(f"{BRANCH} has moved during the checks: run this again.")
        release = publish(root, options.version, datetime.now(UTC).date())
    except (ReleaseError, StackError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"release: {release.version} is {release.commit}, tagged here. Push both together:")
    print(f"  git push --atomic {_remotes(root)[0]} {BRANCH} {release.version}")
    return 0


def check_repository(root: Path, version: str) -> str:
    """Check that this version can be made of this repository's state.

    Returns:
        The commit that is checked out.

    Raises:
        ReleaseError: The version is no higher one, its tag exists, an earlier release was changed,
            or the work tree is not a clean ``main``.
    """
    releases = load(root / LIST)
    check_version(version, releases)
    check_history(root)
    check_tags(root, version, releases)
    branch = _git(root, "branch", "--show-current")
    if branch != BRANCH:
        raise ReleaseError(f"releases are made on {BRANCH}, and {branch or 'no branch'} is here.")
    if _git(root, "status", "--porcelain"):
        raise ReleaseError("the work tree has changes: commit them, or take them away.")
    return _git(root, "rev-parse", "HEAD")


def check_version(version: str, releases: Sequence[Release]) -> None:
    """Check a new version.

    Raises:
        ReleaseError: It is not PEP 440 in its canonical form, is local, or is not the highest.
    """
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise ReleaseError(f"{version} is not a version (PEP 440): write it as 1.2.3.") from error
    if str(parsed) != version or parsed.local:
        raise ReleaseError(f"{version} is not in canonical form: write it as {parsed.public}.")
    if releases and parsed <= Version(releases[-1].version):
        raise ReleaseError(f"{version} is not higher than {releases[-1].version}, the last one.")


def check_tags(root: Path, version: str, releases: Sequence[Release]) -> None:
    """Check that no tag stands in the way, here or on a remote.

    Raises:
        ReleaseError: A tag has the new version's name, or looks like a release and is none.
    """
    known = {release.version for release in releases}
    for name in _git(root, "tag", "--list").split():
        if name == version:
            raise ReleaseError(f"the tag {version} exists here: tags never move, take another one.")
        if _is_version(name) and name not in known:
            raise ReleaseError(f"the tag {name} is no release, and Copier would take it for one.")
    for remote in _git(root, "remote").split():
        if _git(root, "ls-remote", "--tags", remote, f"refs/tags/{version}"):
            raise ReleaseError(f"{remote} has the tag {version}: take another version.")


def check_changelog(root: Path) -> None:
    """Check that the changelog tells about the next release and names its stack release.

    Raises:
        ReleaseError: The section is missing or empty, or names another stack release.
        StackError: The stack release cannot be read.
    """
    text = (root / CHANGELOG).read_text(encoding="utf-8")
    section = re.search(rf"^{UNRELEASED}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not section or not section[1].strip():
        raise ReleaseError(f"{CHANGELOG} has nothing under '{UNRELEASED}': say what is new.")
    stack = load_release(root / "stack")
    named = f"Stack release {stack.name}: torch {stack.torch}"
    if named not in " ".join(section[1].split()):
        raise ReleaseError(f"{CHANGELOG} does not say '{named}' under '{UNRELEASED}'.")


def check_generated(root: Path) -> None:
    """Check that generated files are up to date, as far as that needs no network.

    Raises:
        ReleaseError: One is not; the message is its command's last line.
    """
    for command in GENERATED:
        print(f"release: {' '.join(command)}", flush=True)
        done = subprocess.run(
            [sys.executable, *command], cwd=root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stdout + done.stderr).strip().splitlines()[-1]
            raise ReleaseError(f"{' '.join(command)} says: {last}")


def check_earlier_releases(root: Path) -> None:
    """Check that every release still renders, and that its projects update with their answers.

    Raises:
        ReleaseError: Some do not; the message lists them.
    """
    releases, changes = load(root / LIST), load_changes(root)
    with tempfile.TemporaryDirectory() as name, _neutral_settings(Path(name)):
        folder = Path(name)
        template = stage(folder / "template", source=root)
        # Copier changes its process's current folder, so threads cannot share one.
        with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
            listed = [pool.submit(cases, template, release.version) for release in releases]
            every = list(chain.from_iterable(future.result() for future in listed))
            running = [
                (case, pool.submit(findings, template, case, changes, folder / str(number)))
                for number, case in enumerate(every)
            ]
            wrong = list(chain.from_iterable(_told(case, job.result()) for case, job in running))
    if wrong:
        raise ReleaseError(
            "projects of earlier releases would not update:\n  " + "\n  ".join(wrong)
        )


def publish(root: Path, version: str, today: date) -> Release:
    """Commit the changelog, record that commit as the release, and tag it.

    Raises:
        ReleaseError: git refused; the repository is as it was before.
    """
    start = _git(root, "rev-parse", "HEAD")
    check_tags(root, version, load(root / LIST))
    done = False
    try:
        _replace(root / CHANGELOG, f"{UNRELEASED}\n", f"## {version} - {today.isoformat()}\n")
        _git(root, "commit", "--quiet", "--message", f"Release {version}", "--", CHANGELOG)
        release = Release(version, _git(root, "rev-parse", "HEAD"))
        text = (root / LIST).read_text(encoding="utf-8")
        (root / LIST).write_text(appended(text, release), encoding="utf-8")
        _git(root, "commit", "--quiet", "--message", f"Record release {version}", "--", LIST)
        check_history(root)
        _git(root, "tag", version, release.commit)
        done = True
    finally:  # not `except`: also Ctrl-C must leave nothing half-done
        if not done:
            _git(root, "reset", "--quiet", "--hard", start)
            if _git(root, "tag", "--list", version):
                _git(root, "tag", "--delete", version)
    return release


def _told(case: Case, wrong: list[str]) -> list[str]:
    print(f"release: {case}: {'WRONG' if wrong else 'updates'}", flush=True)
    return wrong


@contextmanager
def _neutral_settings(folder: Path) -> Iterator[None]:
    """Shield git and Copier in processes started meanwhile from personal settings."""
    (folder / "gitconfig").write_text(NEUTRAL_GIT, encoding="utf-8")
    (folder / "copier.yml").write_text("{}\n", encoding="utf-8")
    variables = {
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "COPIER_SETTINGS_PATH": str(folder / "copier.yml"),
    }
    with patch.dict(os.environ, variables):
        yield


def _is_version(name: str) -> bool:
    try:
        Version(name)
    except InvalidVersion:
        return False
    return True


def _remotes(root: Path) -> list[str]:
    return _git(root, "remote").split() or ["REMOTE"]


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


def _git(root: Path, *arguments: str) -> str:
    """Run git and return what it printed.

    Raises:
        ReleaseError: It failed; the message is git's.
    """
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"git {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
