"""The answers give exactly the files that somebody looked at and wrote down."""

from __future__ import annotations

import pytest

from tests.render.conftest import Projects
from tests.render.file_lists import COMMAND, FOLDER, LISTED, list_file, listed


@pytest.mark.parametrize("name", LISTED)
def test_files_are_the_listed_ones(name: str, projects: Projects) -> None:
    expected = list_file(name).read_text(encoding="utf-8").splitlines()
    found = listed(projects(LISTED[name])).splitlines()
    assert found == expected, f"if the difference is wanted: {COMMAND}"


def test_there_is_one_list_each() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(LISTED)
