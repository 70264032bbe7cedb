"""Few sets of answers in which every two choices of different questions meet.

The choices are read from the questions. What a choice needs of other answers stands here; a test
shows that Copier takes each set of answers as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations
from typing import Any

from tests.render.cells import PYTHONS
from tests.render.questions import Questions
from tests.support.catalog import ROOT, builds, rows

NOT_ASKED = None
INDEXES = ("https://mirror.example.org/whl", "/srv/wheels")
MAILS = ("", "team@example.org")
GPUS = tuple(row["backend"] for row in rows("backends") if row["backend"] != "cpu")

Row = Mapping[str, Any]
Choice = tuple[str, Any]


@cache
def choices() -> Mapping[str, tuple[Any, ...]]:
    """Return what can be chosen, by question; every backend but the CPU is one of its own."""
    questions = Questions.of(ROOT)
    found: dict[str, tuple[Any, ...]] = {
        **{name: tuple(values) for name, values in questions.choices.items()},
        **{name: (True, False) for name, row in questions.asked.items() if row["type"] == "bool"},
        **dict.fromkeys(GPUS, (True, False)),
        **{f"{name}_build": (*_builds(name), NOT_ASKED) for name in ("cuda", "rocm")},
        "python_version": PYTHONS,
        "torch_index": (*INDEXES, NOT_ASKED),
        "author_email": MAILS,
        "adopted": (True, False),
    }
    return {**found, "devcontainer": (*found["devcontainer"], NOT_ASKED)}


def needed_by(choice: Choice) -> dict[str, Any]:
    """Return the answers to other questions without which a choice cannot be made."""
    question, answer = choice
    match question:
        case "devcontainer":
            return {"docker": answer is not NOT_ASKED}
        case "cuda_build" | "rocm_build":
            return {question.removesuffix("_build"): answer is not NOT_ASKED}
        case "torch_index":
            return {"training": "none"} if answer is NOT_ASKED else {"training": "pytorch"}
        case "inference" if answer == "native":
            return {"training": "pytorch"}
        case _ if question in GPUS and answer:
            return {"training": "pytorch"}
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


def with_needs(row: Row) -> dict[str, Any] | None:
    """Return some choices and what they need, or None if they exclude each other."""
    found = dict(row)
    while True:
        needed = [need for choice in found.items() for need in needed_by(choice).items()]
        if any(found.get(question, answer) != answer for question, answer in needed):
            return None
        if found.items() >= dict(needed).items():
            return found
        found.update(needed)


def answers_of_row(row: Row) -> dict[str, Any]:
    """Return a row of choices as answers: backends in one, and nothing that is not asked."""
    given = {name: answer for name, answer in row.items() if answer is not NOT_ASKED}
    chosen = [name for name in GPUS if given.pop(name)]
    return given if given["training"] == "none" else {**given, "backends": ["cpu", *chosen]}


def _gain(row: Row, missing: Mapping[tuple[Choice, Choice], object]) -> int:
    return sum(pair in missing for pair in combinations(sorted(row.items(), key=str), 2))


def _builds(backend: str) -> list[str]:
    return [row["build"] for row in builds() if row["backend"] == backend]
