"""Each answer set gives exactly the files that somebody looked at and wrote down."""

from __future__ import annotations

import pytest

from tests.render.conftest import Projects
from tests.render.file_lists import COMMAND, FOLDER, list_file, listed
from tests.support.answer_sets import ANSWER_SETS


@pytest.mark.parametrize("name", ANSWER_SETS)
def test_files_are_the_listed_ones(name: str, projects: Projects) -> None:
    expected = list_file(name).read_text(encoding="utf-8").splitlines()
    found = listed(projects(ANSWER_SETS[name])).splitlines()
    assert found == expected, f"if the difference is wanted: {COMMAND}"


def test_there_is_one_list_per_answer_set() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(ANSWER_SETS)
