"""Few sets of answers in which every two choices of different questions meet.

The choices are read from the questions. What a choice needs of other answers stands here; a test
shows that Copier takes each set of answers as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations
from typing import Any

from tests.render.cells import PYTHONS, SCALE_OUT, SCALED, TRACKERS
from tests.render.questions import Questions
from tests.support.catalog import ROOT, builds, rows

NOT_ASKED = None
INDEXES = ("https://mirror.example.org/whl", "/srv/wheels")
MAILS = ("", "team@example.org")
FRAMEWORKS = rows("frameworks")
KERAS_BACKENDS = next(row for row in FRAMEWORKS if row["framework"] == "keras")["computes_with"]
CONFIGURATIONS = ("pydantic", "hydra")
DATA_VERSIONINGS = ("none", "dvc")
ASKED_WITH_TRAINING = {"configuration": CONFIGURATIONS, "data_versioning": DATA_VERSIONINGS}
EXTRAS = {row["extra"]: row for row in rows("extras")}
GPUS = tuple(row["backend"] for row in rows("backends") if row["backend"] != "cpu")

Row = Mapping[str, Any]
Choice = tuple[str, Any]


@cache
def choices() -> Mapping[str, tuple[Any, ...]]:
    """Return what can be chosen, by question; each GPU, extra and tracker is one of its own."""
    questions = Questions.of(ROOT)
    found: dict[str, tuple[Any, ...]] = {
        **{name: tuple(values) for name, values in questions.choices.items()},
        **{name: (True, False) for name, row in questions.asked.items() if row["type"] == "bool"},
        **dict.fromkeys((*GPUS, *EXTRAS, *TRACKERS, *SCALE_OUT), (True, False)),
        **{f"{name}_build": (*_builds(name), NOT_ASKED) for name in ("cuda", "rocm")},
        "training": tuple(row["framework"] for row in FRAMEWORKS),
        "keras_backend": (*KERAS_BACKENDS, NOT_ASKED),
        "inference": tuple(row["runtime"] for row in rows("runtimes")),
        "python_version": PYTHONS,
        "torch_index": (*INDEXES, NOT_ASKED),
        "author_email": MAILS,
        "adopted": (True, False),
    }
    sometimes = ("devcontainer", *ASKED_WITH_TRAINING)
    unasked = {name: (*found[name], NOT_ASKED) for name in sometimes}
    return {**found, **unasked}


def admitted_by(choice: Choice) -> dict[str, list[Any]]:
    """Return the answers to other questions with one of which a choice can be made."""
    question, answer = choice
    is_asked = answer is not NOT_ASKED
    match question:
        case "devcontainer":
            return {"docker": [is_asked]}
        case "cuda_build" | "rocm_build":
            return {question.removesuffix("_build"): [is_asked]}
        case _ if question in EXTRAS and answer:
            generators = [runtime for row in FRAMEWORKS for runtime in row["generates"]]
            needed = {"inference": generators} if EXTRAS[question].get("generates") else {}
            return {"training": EXTRAS[question]["training"], **needed}
        case "ray" if answer:
            return {"training": ["pytorch"]}
        case _ if question in SCALE_OUT and answer:
            return {"training": list(SCALED)}
        case "serving" if answer:
            runtimes = [row["runtime"] for row in rows("runtimes")]
            return {"inference": [each for each in runtimes if each != "http-api"]}
        case _ if question in TRACKERS and answer:
            trains = [row["framework"] for row in FRAMEWORKS if row["framework"] != "none"]
            return {"training": trains}
        case "inference":
            return {
                "training": [row["framework"] for row in FRAMEWORKS if answer in row["inference"]]
            }
        case "training":
            return {
                "keras_backend": KERAS_BACKENDS if answer == "keras" else [NOT_ASKED],
                **{
                    name: [NOT_ASKED] if answer == "none" else list(values)
                    for name, values in ASKED_WITH_TRAINING.items()
                },
            }
        case _ if question in ASKED_WITH_TRAINING:
            others = [row["framework"] for row in FRAMEWORKS if row["framework"] != "none"]
            return {"training": others if is_asked else ["none"]}
        case "keras_backend":
            others = [row["framework"] for row in FRAMEWORKS if row["framework"] != "keras"]
            return {"training": ["keras"] if is_asked else others}
        case _ if question == "torch_index" or (question in GPUS and answer):
            fitting = [row for row in FRAMEWORKS if _may_compute(row, with_torch=is_asked)]
            return {
                "training": [row["framework"] for row in fitting],
                "keras_backend": [NOT_ASKED]
                + [each for each in KERAS_BACKENDS if (each == "torch") == is_asked],
            }
    return {}


@cache
def pairwise() -> tuple[dict[str, Any], ...]:
    """Return the sets of answers, the same every time; each is as Copier takes it."""
    return tuple(answers_of_row(row) for row in cover(choices()))


def cover(offered: Mapping[str, tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return rows of choices, one for each question, that hold every possible pair.

    Each row starts with the first pair that is missing and takes, question by question, what adds
    most of the missing pairs.
    """
    missing = dict.fromkeys(possible_pairs(offered))
    found = []
    while missing:
        row = dict(next(iter(missing)))
        row = with_needs(row) or row
        for question, answers in offered.items():
            if question not in row:
                wider = [with_needs({**row, question: answer}) for answer in answers]
                row = max(filter(None, wider), key=lambda each: _gain(each, missing))
        for pair in combinations(sorted(row.items(), key=str), 2):
            missing.pop(pair, None)
        found.append(row)
    return found


def possible_pairs(offered: Mapping[str, tuple[Any, ...]]) -> Iterator[tuple[Choice, Choice]]:
    """Yield every two choices of different questions that can be made together."""
    made = [(question, answer) for question, answers in offered.items() for answer in answers]
    for pair in combinations(sorted(made, key=str), 2):
        if pair[0][0] != pair[1][0] and with_needs(dict(pair)):
            yield pair


def _may_compute(framework: Row, *, with_torch: bool) -> bool:
    """Tell whether a framework can compute with torch, or without it."""
    libraries = framework["computes_with"] or [NOT_ASKED]
    return any((each == "torch") == with_torch for each in libraries)


def with_needs(row: Row) -> dict[str, Any] | None:
    """Return some choices and those that they leave no choice of, or None if none is left."""
    left: dict[str, list[Any]] = {question: [answer] for question, answer in row.items()}
    found = dict(row)
    while True:
        for choice in found.items():
            for question, admitted in admitted_by(choice).items():
                left[question] = [each for each in left.get(question, admitted) if each in admitted]
        if not all(left.values()):
            return None
        single = {question: answers[0] for question, answers in left.items() if len(answers) == 1}
        if single == found:
            return found if _goes_with_poetry(found) else None
        found = single


def _goes_with_poetry(row: Row) -> bool:
    """Tell whether a row without Poetry is at hand, or one with one GPU backend at most."""
    gpus = sum(row.get(name) is True for name in GPUS)
    return gpus <= 1 or row.get("package_manager") != "poetry"


def answers_of_row(row: Row) -> dict[str, Any]:
    """Return a row of choices as answers: backends in one, and nothing that is not asked."""
    given = {name: answer for name, answer in row.items() if answer is not NOT_ASKED}
    chosen = [name for name in GPUS if given.pop(name)]
    given["extras"] = [name for name in EXTRAS if given.pop(name)]
    given["trackers"] = [name for name in TRACKERS if given.pop(name)]
    given["scale_out"] = [name for name in SCALE_OUT if given.pop(name)]
    return {**given, "backends": ["cpu", *chosen]} if "torch_index" in given else given


def _gain(row: Row, missing: Mapping[tuple[Choice, Choice], object]) -> int:
    return sum(pair in missing for pair in combinations(sorted(row.items(), key=str), 2))


def _builds(backend: str) -> list[str]:
    return [row["build"] for row in builds() if row["backend"] == backend]
