"""Every two choices meet in some project, and Copier takes the answers as they are."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.render.cells import SCALE_OUT, TRACKERS
from tests.render.conftest import Projects
from tests.render.pairwise import (
    ASKED_WITH_TRAINING,
    EXTRAS,
    FRAMEWORKS,
    GPUS,
    NOT_ASKED,
    Choice,
    choices,
    pairwise,
    possible_pairs,
)
from tests.render.parsers import parse
from tests.render.questions import Questions, answers_of
from tests.support.copier_runs import files_of

FREE_TEXT = {
    *("project_name", "package_name", "project_description", "author_name"),
    "repository_url",
}
CHOOSY = [name for name, row in EXTRAS.items() if len(row["training"]) < len(FRAMEWORKS)]
"""Extras that do not go with every framework."""

WITH_TORCH = {row["framework"] for row in FRAMEWORKS if row["computes_with"] == ["torch"]}
OF_TORCH = [name for name in CHOOSY if WITH_TORCH.issuperset(EXTRAS[name]["training"])]
"""Extras that go with frameworks only that compute with torch."""

APART = [
    pair
    for pair in combinations(EXTRAS, 2)
    if not set.intersection(*(set(EXTRAS[name]["training"]) for name in pair))
]
"""Extras that no framework has both of."""

HANGS_ON_TRAINING = (
    *("training", "inference", "keras_backend"),
    *("torch_index", *GPUS, "cuda_build", "rocm_build"),
    *(*CHOOSY, *TRACKERS, *SCALE_OUT),
)
"""Questions that a framework answers, or leaves unasked."""

HANG_TOGETHER = {
    *APART,
    *(("training", name) for name in ("inference", "torch_index", *GPUS)),
    *((name, "keras_backend") for name in ("training", "inference", "torch_index", *GPUS)),
    *(("keras_backend", name) for name in OF_TORCH),
    *(("keras_backend", f"{name}_build") for name in ("cuda", "rocm")),
    *(("training", f"{name}_build") for name in ("cuda", "rocm")),
    *((name, f"{name}_build") for name in ("cuda", "rocm")),
    *(("torch_index", name) for name in (*GPUS, "cuda_build", "rocm_build")),
    *(("training", name) for name in (*TRACKERS, *SCALE_OUT)),
    *((asked, name) for asked in ("torch_index", "keras_backend") for name in SCALE_OUT),
    *(("ray", name) for name in ("inference", "deepspeed")),  # Ray goes with PyTorch alone
    ("configuration", "data_versioning"),
    ("serving", "inference"),
    *((name, asked) for asked in ASKED_WITH_TRAINING for name in HANGS_ON_TRAINING),
    ("docker", "devcontainer"),
    *((question, name) for question in ("training", "inference") for name in CHOOSY),
    *(("torch_index", name) for name in OF_TORCH),
}
"""Questions of which some answers exclude each other."""


@pytest.fixture(scope="module")
def made(projects: Projects) -> list[Path]:
    """Return the project of every set of answers."""
    return [projects(answers) for answers in pairwise()]


def row_of(project: Path) -> dict[str, Any]:
    """Return what a project says that was chosen, by question."""
    stored = answers_of(project)
    backends = stored.get("backends", ())
    return {
        **{name: stored.get(name, NOT_ASKED) for name in choices()},
        **{name: name in backends for name in GPUS},
        **{name: name in stored["extras"] for name in EXTRAS},
        **{name: name in stored["trackers"] for name in TRACKERS},
        **{name: name in stored["scale_out"] for name in SCALE_OUT},
    }


def test_every_question_takes_part(questions: Questions) -> None:
    offered = {*choices(), "backends", "extras", "trackers", "scale_out"} - {
        *(*GPUS, *EXTRAS, *TRACKERS, *SCALE_OUT, "adopted")
    }
    assert offered == questions.asked.keys() - FREE_TEXT


def test_copier_takes_each_set_of_answers_as_it_is(made: list[Path]) -> None:
    for given, project in zip(pairwise(), made, strict=True):
        stored = answers_of(project)
        assert {name: stored.get(name) for name in given} == given
        assert not [name for name in choices() if name in stored and name not in given]


def test_every_two_choices_meet(made: list[Path]) -> None:
    met: set[tuple[Choice, Choice]] = set()
    for project in made:
        met |= set(combinations(sorted(row_of(project).items(), key=str), 2))
    possible = set(possible_pairs(choices()))
    assert met == possible
    made_of = [(name, answer) for name, answers in choices().items() for answer in answers]
    excluded = {
        frozenset((one[0], other[0]))
        for one, other in combinations(sorted(made_of, key=str), 2)
        if one[0] != other[0] and (one, other) not in possible
    }
    assert excluded == set(map(frozenset, HANG_TOGETHER))


def test_every_file_of_each_project_parses(made: list[Path]) -> None:
    for project, answers in zip(made, pairwise(), strict=True):
        for path in files_of(project):
            try:
                parse(project / path)
            except Exception as error:
                error.add_note(f"{path} of {answers}")
                raise
