"""The cells cover what the questions offer."""

from __future__ import annotations

import pytest

from tests.render.cells import CELLS, LONGEST_NAME, PYTHONS
from tests.render.conftest import Projects
from tests.render.questions import Questions, answers_of
from tests.support.answer_sets import PAIRS


@pytest.fixture(scope="module")
def answers(projects: Projects) -> list[dict[str, object]]:
    """Return all answers of all cells, given or by default."""
    return [answers_of(projects(cell.answers)) for cell in CELLS]


def test_every_choice_is_in_a_cell(questions: Questions, answers: list[dict[str, object]]) -> None:
    offered = {**questions.choices, "python_version": PYTHONS}
    for name, choices in offered.items():
        assert {row[name] for row in answers if name in row} == set(choices), name


@pytest.mark.parametrize("name", ["docker", "devcontainer"])
def test_what_can_be_left_out_is_there_and_left_out(
    name: str, answers: list[dict[str, object]]
) -> None:
    assert {row[name] for row in answers if name in row} == {True, False}


def test_every_pair_of_runtimes_is_in_a_cell(answers: list[dict[str, object]]) -> None:
    met = {(row["training"], row["inference"]) for row in answers}
    assert met == {(row["training"], row["inference"]) for row in PAIRS.values()}


def test_every_framework_meets_every_python(answers: list[dict[str, object]]) -> None:
    met = {(row["training"], row["python_version"]) for row in answers}
    assert met == {(row["training"], python) for row in answers for python in PYTHONS}


@pytest.mark.parametrize("name", ["author_email", "repository_url"])
def test_what_may_be_empty_is_empty_and_set(name: str, answers: list[dict[str, object]]) -> None:
    assert {bool(row[name]) for row in answers} == {True, False}


def test_package_names_of_both_lengths(answers: list[dict[str, object]]) -> None:
    assert {"a", LONGEST_NAME} <= {str(row["package_name"]) for row in answers}
    assert len(LONGEST_NAME) == 40


def test_names_of_cells_differ() -> None:
    assert len({cell.name for cell in CELLS}) == len(CELLS)
