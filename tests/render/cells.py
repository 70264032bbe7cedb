"""The answers that the render tests cover, as named cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from maintain.stack.data import load_frameworks
from tests.support.answer_sets import ANSWER_SETS, PAIRS, STACK
from tests.support.catalog import builds, rows

PYTHONS = ("3.12", "3.13", "3.11")
LONGEST_NAME = "a_package_name_of_forty_characters_aaaaa"

FRAMEWORKS = load_frameworks(STACK)
TRACKERS = ("mlflow", "wandb", "tensorboard")
SCALE_OUT = ("torchrun", "slurm", "ray")
SCALED = ("pytorch", "huggingface")
NOT_BY_RAY = ("huggingface", "ray")
LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary")
PEOPLE: tuple[dict[str, str], ...] = (
    {},
    {"author_email": "team@example.org"},
    {"repository_url": "https://example.org/team/project"},
    {
        "author_email": "first.last+tag@sub.example.org",
        "repository_url": "https://example.org/~team/a_project",
        "author_name": "The Team",
    },
)
PACKAGES: tuple[dict[str, str], ...] = ({}, {"package_name": "a"}, {"package_name": LONGEST_NAME})
SERVICES: tuple[dict[str, str], ...] = ({"ci": "gitlab"}, {"ci": "none"}, {})
INDEXES: tuple[dict[str, str], ...] = (
    {},
    {"torch_index": "https://mirror.example.org/whl"},
    {"torch_index": "/srv/wheels"},
    {"torch_index": "C:\\wheels"},
    {"torch_index": "file:///srv/wheels"},
)


@dataclass(frozen=True)
class Cell:
    """One set of answers.

    Attributes:
        name: What the test report calls it.
        answer_set: The combination of training and inference it belongs to.
        answers: The answers that differ from the defaults.
    """

    name: str
    answer_set: str
    answers: Mapping[str, Any]


def _python_cells() -> list[Cell]:
    """Cross the answers that most depend on the Python with the Pythons."""
    return [
        Cell(f"{name}-{python}", name, {**ANSWER_SETS[name], "python_version": python})
        for name in ("defaults", "gpus")
        for python in PYTHONS
    ]


def computes_with_torch(answers: Mapping[str, str]) -> bool:
    """Tell whether the answers `training` and `keras_backend` choose torch."""
    return any(
        row.computes_with and row.computes_with[row.answers.index(each)] == "torch"
        for row in FRAMEWORKS
        for each in row.answers
        if each.items() <= answers.items()
    )


def _dealt_pairs() -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the pairs; of those that differ by what computes for the framework, one in turn."""
    for row in FRAMEWORKS:
        for runtime, training in zip(row.inference, cycle(row.answers), strict=False):
            name = "-".join((*training.values(), runtime))
            yield name, PAIRS[name]


def _pair_cells() -> list[Cell]:
    """Return a cell for each training with each inference; deal out the other answers in turn."""
    licenses, people, pythons = cycle(LICENSES), cycle(PEOPLE), cycle(PYTHONS)
    packages, indexes, services = cycle(PACKAGES), cycle(INDEXES), cycle(SERVICES)
    cells = []
    for name, runtimes in _dealt_pairs():
        answers = {**runtimes, "python_version": next(pythons), "license": next(licenses)}
        answers |= next(people) | next(packages) | next(services)
        if computes_with_torch(runtimes):
            answers |= next(indexes)
        cells.append(Cell(name, name, answers))
    return cells


def _build_cells() -> list[Cell]:
    """Return a cell for each build that its question offers and that is not the default."""
    asked = [row for row in builds() if row["backend"] in ("cuda", "rocm")]
    defaults = {row["backend"]: row["build"] for row in reversed(asked)}.values()
    return [
        Cell(row["build"], "gpus", {**ANSWER_SETS["gpus"], f"{row['backend']}_build": row["build"]})
        for row in asked
        if row["build"] not in defaults
    ]


def _extra_cells() -> list[Cell]:
    """Return a cell for each framework, with every extra that goes with it."""
    return [
        Cell(f"{framework}-extras", "extras", {"training": framework, "extras": extras})
        for framework in (row["framework"] for row in rows("frameworks"))
        if (extras := [row["extra"] for row in rows("extras") if framework in row["training"]])
    ]


def _tracker_cells() -> list[Cell]:
    """Return a cell for each framework, with every tracker."""
    return [
        Cell(f"{each}-trackers", "trackers", {"training": each, "trackers": list(TRACKERS)})
        for each in (row["framework"] for row in rows("frameworks"))
        if each != "none"
    ]


def _configuration_cells() -> list[Cell]:
    """Return a cell for each framework, with settings composed by Hydra."""
    return [
        Cell(f"{each}-hydra", "configuration", {"training": each, "configuration": "hydra"})
        for each in (row["framework"] for row in rows("frameworks"))
        if each != "none"
    ]


def _data_cells() -> list[Cell]:
    """Return a cell for each framework, with data versioned by DVC."""
    return [
        Cell(f"{each}-dvc", "data", {"training": each, "data_versioning": "dvc"})
        for each in (row["framework"] for row in rows("frameworks"))
        if each != "none"
    ]


def _scale_out_cells() -> list[Cell]:
    """Return a cell for each framework that trains with several processes, with every way."""
    return [
        Cell(
            f"{each}-scale-out",
            "scale-out",
            {
                "training": each,
                "scale_out": [way for way in SCALE_OUT if (each, way) != NOT_BY_RAY],
            },
        )
        for each in SCALED
    ]


def _serving_cells() -> list[Cell]:
    """Return a cell for each framework, with a server for the model that it trains."""
    return [
        *(
            Cell(f"{each}-serving", "serving", {"training": each, "serving": True})
            for each in (row["framework"] for row in rows("frameworks"))
            if each != "huggingface"
        ),
        Cell(
            "huggingface-serving",
            "serving",
            {"training": "huggingface", "inference": "onnxruntime", "serving": True},
        ),
        *(
            Cell(
                f"{each}-serving",
                "serving",
                {"training": "huggingface", "inference": each, "serving": True},
            )
            for each in ("native", "openvino-genai", "llama-cpp")
        ),
    ]


CONTAINERS: Mapping[str, Mapping[str, Any]] = {
    "without-containers": {"docker": False},
    "without-devcontainer": {"devcontainer": False},
}


def _container_cells() -> list[Cell]:
    """Return cells without containers, with and without GPUs."""
    return [
        Cell(f"{answer_set}-{name}", answer_set, {**ANSWER_SETS[answer_set], **answers})
        for answer_set in ("defaults", "gpus")
        for name, answers in CONTAINERS.items()
    ]


def _profile_cells() -> list[Cell]:
    """Return a cell for each profile but the default, and what is least with the least training."""
    return [
        *(Cell(profile, "profiles", {"profile": profile}) for profile in ("minimal", "everything")),
        Cell("minimal-no-training", "profiles", {"profile": "minimal", "training": "none"}),
    ]


CELLS = [
    *(Cell(name, name, answers) for name, answers in ANSWER_SETS.items()),
    *_python_cells(),
    *_pair_cells(),
    *_build_cells(),
    *_extra_cells(),
    *_tracker_cells(),
    *_configuration_cells(),
    *_data_cells(),
    *_scale_out_cells(),
    *_serving_cells(),
    Cell("uv", "gpus", {**ANSWER_SETS["gpus"], "package_manager": "uv"}),
    Cell("poetry", "defaults", {"package_manager": "poetry"}),
    Cell("without-conda", "gpus", {**ANSWER_SETS["gpus"], "conda": False}),
    *_container_cells(),
    *_profile_cells(),
]
BY_NAME = {cell.name: cell for cell in CELLS}
