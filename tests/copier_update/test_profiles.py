"""A minimal project gets by updates, one by one, what its profile left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.copier_update.command import make_update
from tests.copier_update.conftest import Copies, Team
from tests.copier_update.test_answers import WORK, check
from tests.render.questions import answers_of
from tests.support.copier_runs import (
    NEWEST,
    commit,
    copier_here,
    files_of,
    git,
    programs_that_copier_starts,
    render,
    update,
)

PARTS = (
    ({"docker": True}, "Dockerfile"),
    ({"conda": True}, "environment.yml"),
    ({"ci": "github"}, ".github/workflows/checks.yml"),
    ({"devcontainer": True}, ".devcontainer/devcontainer.json"),
)
MINIMAL = {"profile": "minimal"}
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("profile", ["minimal", "recommended", "everything"])
def test_copiers_own_command_line_takes_a_profile(
    profile: str, two_releases: Path, copies: Copies, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    given = ["--defaults", "--data", f"profile={profile}", "--vcs-ref", NEWEST]
    started = programs_that_copier_starts("copy", *given, str(two_releases), str(project))
    assert set(started) == {"git"}
    assert files_of(project) == files_of(copies({"profile": profile}, NEWEST))


def test_each_part_comes_later_beside_own_edits(team: Team, copies: Copies) -> None:
    edited = team(WORK, MINIMAL, NEWEST)
    answers: dict[str, Any] = dict(MINIMAL)
    for change, path in PARTS:
        assert not (edited.before.keys() & {path})
        answers |= change
        check(edited, change, copies(answers, NEWEST))
        assert (edited.folder / path).is_file()
        commit(edited.folder, f"Add {path}")
    recommended = answers_of(copies({}, NEWEST))
    found = answers_of(edited.folder)
    assert {name for name in found if found[name] != recommended[name]} == {
        "profile",
        "first_profile",
    }


def test_the_command_of_a_project_refuses_another_profile_in_a_sentence(team: Team) -> None:
    project = team([], MINIMAL).folder
    done = make_update(project, "--data", "profile=everything")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: Copier refused: ")
    assert "a profile is for new projects, and this one has answers already: name what" in last
    assert git(project, "status", "--porcelain") == ""


def test_the_same_profile_again_changes_nothing(team: Team) -> None:
    project = team([], MINIMAL, NEWEST).folder
    update(project, MINIMAL)
    assert git(project, "status", "--porcelain") == ""


def test_a_project_from_before_the_profiles_has_what_is_recommended(
    template: Path, tmp_path: Path
) -> None:
    project = render(template, tmp_path / "project", {"docker": False}, version="0.1.0")
    commit(project, "First copy")
    refused = copier_here("update", "--defaults", "--data", "profile=minimal", str(project))
    assert "a profile is for new projects" in refused.stderr
    done = copier_here("update", "--defaults", str(project))
    assert done.returncode == 0, done.stderr
    found = answers_of(project)
    assert (found["profile"], found["first_profile"]) == ("recommended", "recommended")
