"""The matrix: releases, answer sets and edits; no update loses a line or leaves a conflict."""

from __future__ import annotations

from pathlib import Path

import pytest
from copier.errors import ForbiddenPathError

from maintain.releases.record import load
from tests.copier_update import own_edits, template_edits
from tests.copier_update.command import make_update, saved_diffs
from tests.copier_update.conftest import Copies, Edited, Team, owners_of
from tests.copier_update.edits import Outcome, write
from tests.copier_update.project_state import state_of, trouble
from tests.support.answer_sets import ANSWER_SETS
from tests.support.copier_runs import NEWEST, copier, git, update

RELEASES = [release.version for release in load()]
OTHER_SETS = [name for name in ANSWER_SETS if name != "defaults"]
OWN = list(own_edits.edit)
OTHERS = list(template_edits.edit)
EDITS = {edit.name: edit for edit in (*OWN, *OTHERS)}
TOGETHER = [edit for edit in EDITS.values() if not edit.alone and edit.outcome is Outcome.KEPT]
OWN_TOGETHER = [edit for edit in OWN if edit in TOGETHER]
"""Edits that one project can have all at once."""


def named(outcome: Outcome) -> list[str]:
    """Return the names of the edits of which Copier alone makes this."""
    return [edit.name for edit in EDITS.values() if edit.outcome is outcome]


@pytest.mark.parametrize(
    "answers", ["defaults", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHER_SETS)]
)
def test_no_edit_is_lost_where_the_next_release_changes_every_file(
    answers: str, team: Team
) -> None:
    edited = team(TOGETHER, ANSWER_SETS[answers])
    update(edited.folder)
    assert trouble(edited.folder) == []
    assert edited.lost() == []


@pytest.mark.slow
@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("answers", ANSWER_SETS)
def test_no_edit_is_lost_on_the_way_from_any_release(
    answers: str, version: str, team: Team
) -> None:
    edited = team(OWN_TOGETHER, ANSWER_SETS[answers], version)
    done = copier("update", "--defaults", str(edited.folder))
    assert done.returncode == 0, done.stderr
    assert trouble(edited.folder) == []
    assert edited.lost() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", named(Outcome.KEPT))
def test_an_edit_alone_is_kept(name: str, team: Team) -> None:
    on_gitlab = EDITS[name].needs.startswith(".gitlab")
    edited = team([EDITS[name]], {"ci": "gitlab"} if on_gitlab else {})
    update(edited.folder)
    assert trouble(edited.folder) == []
    assert edited.lost() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", named(Outcome.CONFLICT))
def test_copier_alone_shows_an_edit_of_the_same_lines_as_a_conflict(name: str, team: Team) -> None:
    edited = team([EDITS[name]], {})
    update(edited.folder)
    assert trouble(edited.folder)
    assert not [loss for loss in edited.lost() if "lost the line" in loss or "is gone" in loss]


@pytest.mark.slow
@pytest.mark.parametrize("name", named(Outcome.LOST))
def test_copier_alone_loses_an_edit_to_a_file_that_goes(name: str, team: Team) -> None:
    """That is why projects have a command of their own."""
    edited = team([EDITS[name]], {})
    update(edited.folder)
    assert trouble(edited.folder) == []
    assert edited.lost()


@pytest.mark.slow
@pytest.mark.parametrize("name", named(Outcome.REFUSED))
def test_copier_alone_stops_at_a_link_out_of_the_project(name: str, team: Team) -> None:
    """It leaves a part of the update; that, too, is why projects have a command of their own."""
    edited = team([EDITS[name]], {})
    with pytest.raises(ForbiddenPathError):
        update(edited.folder)


@pytest.mark.slow
@pytest.mark.parametrize("answers", ANSWER_SETS)
def test_a_project_left_alone_becomes_as_a_fresh_copy_but_for_what_is_yours(
    answers: str, team: Team, copies: Copies
) -> None:
    untouched = team([], ANSWER_SETS[answers])
    update(untouched.folder)
    assert trouble(untouched.folder) == []
    found, fresh = state_of(untouched.folder), state_of(copies(ANSWER_SETS[answers], NEWEST))
    owners = owners_of(untouched.folder)
    assert found.keys() == fresh.keys()
    for path, entry in found.items():
        yours = owners.of(path) == "yours"
        assert entry == (untouched.state[path] if yours else fresh[path]), path


def check_command(edited: Edited, tmp_path: Path) -> None:
    """Update with the command; each edit must be there, or saved as a patch that applies."""
    done = make_update(edited.folder)
    assert done.returncode == 0, done.stderr
    assert trouble(edited.folder) == []
    saved = saved_diffs(edited.folder)
    assert edited.lost(but=list(saved)) == []
    copied = tmp_path / "copied"
    for path, diff in saved.items():
        assert path in done.stdout
        write(copied / path, edited.before[path].content.decode())
        git(copied, "apply", str(diff))
        assert state_of(copied)[path] == edited.state[path]


def test_the_command_keeps_every_edit_or_saves_it(team: Team, tmp_path: Path) -> None:
    edits = [edit for edit in EDITS.values() if not edit.alone]
    edited = team(edits, {})
    check_command(edited, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [edit.name for edit in EDITS.values() if edit.alone])
def test_the_command_keeps_an_edit_alone_or_saves_it(name: str, team: Team, tmp_path: Path) -> None:
    check_command(team([EDITS[name]], {}), tmp_path)
