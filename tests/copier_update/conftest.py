"""Projects of two neighbouring releases, of which the second changes every file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from envkeep.project.ownership import Owners
from tests.copier_update.edits import Edit
from tests.copier_update.next_release import release_next
from tests.copier_update.project_state import State, lost, state_of
from tests.support.copier_runs import Answers, commit, render, stage
from tests.support.fast_copier import FastCopier

BEFORE = "998.0.0"


@pytest.fixture(scope="session")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template as it stands, as two releases; nobody may change it."""
    folder = stage(tmp_path_factory.mktemp("two") / "template", BEFORE)
    release_next(folder)
    return folder


Copies = Callable[..., Path]


@pytest.fixture(scope="session")
def copies(two_releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    """Return a function from answers and release to a committed copy, which nobody may change."""
    made: dict[str, Path] = {}
    fast = FastCopier()

    def copy(answers: Answers, version: str = BEFORE) -> Path:
        key = json.dumps([answers, version], sort_keys=True)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("copy") / "project"
            with fast.active():
                render(two_releases, made[key], answers, version=version)
            commit(made[key], "First copy")
        return made[key]

    yield copy
    fast.close()


def owners_of(project: Path) -> Owners:
    """Return whose the files of a project are, as it says itself."""
    return Owners.parse((project / "requirements" / "stack" / "owners.json").read_bytes())


class Edited:
    """A copied project with a team's edits, committed."""

    def __init__(self, copied: Path, folder: Path, edits: Sequence[Edit]) -> None:
        """Copy the copy, and edit it."""
        shutil.copytree(copied, folder, symlinks=True)
        self.folder = folder
        self.before = state_of(folder)
        for edit in edits:
            edit.make(folder)
        commit(folder, "Our work")
        self.state: State = state_of(folder)

    def lost(self, *, but: Sequence[str] = ()) -> list[str]:
        """Say what of the edits is not there any more.

        Args:
            but: Paths that are looked at elsewhere.
        """
        edited = {path: entry for path, entry in self.state.items() if path not in but}
        before = {path: entry for path, entry in self.before.items() if path not in but}
        owners = owners_of(self.folder)
        merged = {path for path in {*before, *edited} if owners.of(path) in ("template", "shared")}
        return lost(before, edited, state_of(self.folder), merged)


Team = Callable[..., Edited]


@pytest.fixture
def team(copies: Copies, tmp_path: Path) -> Team:
    """Return a function that copies a release and edits the copy."""

    def work(edits: Sequence[Edit], answers: Answers, version: str = BEFORE) -> Edited:
        copied = copies(answers, version)
        fitting = [edit for edit in edits if edit.fits(copied)]
        return Edited(copied, tmp_path / "project", fitting)

    return work
