"""What becomes of stored answers, as ``questions/changes.yml`` records it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from maintain import ROOT
from maintain.releases.answer_changes import CHANGES, load_changes, outlook
from maintain.releases.record import ReleaseError, load
from tests.render.questions import Questions

WHY = {"why": "Tests need one."}
RENAMED = {"last": "1.0", "question": "style", "renamed": "look", **WHY}
RENAMED_AGAIN = {"last": "2.0", "question": "look", "renamed": "appearance", **WHY}
RETIRED = {"last": "2.0", "question": "look", "answer": "fancy", "becomes": "rich", **WHY}
ONE_OF_SEVERAL = {"last": "1.0", "question": "parts", "answer": "b", "becomes": "c", **WHY}
NEW_TYPE = {"last": "1.0", "question": "docker", "answer": True, "becomes": "compose", **WHY}
REMOVED = {"last": "1.0", "question": "style", "removed": True, **WHY}
REFUSED = {"last": "1.0", "question": "style", "answer": "fancy", "refused": True, **WHY}


def changes_of(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / CHANGES
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(list(rows)), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("rows", "version", "before", "after"),
    [
        ([], "1.0", {"style": "plain"}, {"style": "plain"}),
        ([RENAMED], "1.0", {"style": "plain", "a": 1}, {"look": "plain", "a": 1}),
        ([RENAMED], "1.1", {"style": "plain"}, {"style": "plain"}),
        ([RENAMED, RENAMED_AGAIN], "1.0", {"style": "plain"}, {"appearance": "plain"}),
        ([RENAMED, RETIRED], "1.0", {"style": "fancy"}, {"look": "rich"}),
        ([RENAMED, RETIRED], "1.0", {"style": "plain"}, {"look": "plain"}),
        ([ONE_OF_SEVERAL], "1.0", {"parts": ["a", "b"]}, {"parts": ["a", "c"]}),
        ([NEW_TYPE], "1.0", {"docker": True}, {"docker": "compose"}),
        ([REMOVED], "0.9", {"style": "plain", "a": 1}, {"a": 1}),
    ],
)
def test_answers_become_what_the_rows_say(
    rows: list[dict[str, Any]],
    version: str,
    before: dict[str, Any],
    after: dict[str, Any],
    tmp_path: Path,
) -> None:
    found = outlook(load_changes(changes_of(tmp_path, *rows)), version, before)
    assert (found.answers, found.refused) == (after, False)


@pytest.mark.parametrize(("answer", "refused"), [("fancy", True), ("plain", False)])
def test_an_answer_can_be_refused(answer: str, refused: bool, tmp_path: Path) -> None:
    changes = load_changes(changes_of(tmp_path, REFUSED))
    found = outlook(changes, "1.0", {"style": answer})
    assert (found.answers, found.refused) == ({"style": answer}, refused)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"last": "1.0", "question": "a", "removed": True}, "row 1 must have last, question and"),
        ({**RENAMED, "removed": True}, "exactly one of renamed, becomes, removed, refused"),
        ({"last": "1.0", "question": "a", **WHY}, "exactly one of"),
        ({**RENAMED, "becoms": "x"}, "exactly one of"),
        ({**RENAMED, "last": "one"}, "Invalid version"),
    ],
)
def test_a_damaged_row_is_refused(row: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=said):
        load_changes(changes_of(tmp_path, row))


def test_the_committed_changes_are_about_releases_and_end_at_questions_that_exist() -> None:
    changes, versions = load_changes(), {release.version for release in load()}
    questions = Questions.of(ROOT).stored
    for change in changes:
        assert str(change.last) in versions
        later = {row.question for row in changes if row.last > change.last}
        if change.outcome == "renamed":
            assert change.value in {*questions, *later}
        if change.outcome in ("becomes", "refused"):
            assert change.question in {*questions, *later}
