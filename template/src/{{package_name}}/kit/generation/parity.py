# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""Does the exported model write and judge text as the training framework did?

Two questions, on text that training never saw. Which token comes next at many places, with which
log-probability? And which text follows a prompt, if always the likeliest token is taken? The
framework's text ends where two tokens are as likely within the tolerance, as a runtime may then
take either.

A log-probability may differ by `tolerance + relative_tolerance * size`, as in
`numpy.testing.assert_allclose`; its size is the largest that the framework gave at its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import ArtefactError, ProjectError
from ..files import read_json, write_json
from .artifact import TextModel
from .generator import GenerationSettings, Generator

PARITY_FILE = "parity.json"


@dataclass(frozen=True)
class Tolerance:
    """How far a log-probability may be from the framework's."""

    absolute: float
    relative: float = 0.0

    def among(self, expected: Iterable[float]) -> float:
        """Return the largest difference that counts as equal among these log-probabilities."""
        return self.absolute + self.relative * max(map(abs, expected))


@dataclass(frozen=True)
class Place:
    """A place in held-out text.

    Attributes:
        context: The text before it.
        expected: Log-probabilities of the framework's likeliest tokens, by token number.
        right: Number of the token that is there.
    """

    context: str
    expected: dict[int, float]
    right: int


@dataclass(frozen=True)
class Answer:
    """What the framework answers to a prompt, and how many tokens that is."""

    prompt: str
    text: str
    tokens: int


@dataclass(frozen=True)
class Reference:
    """What the training framework said."""

    places: list[Place]
    answers: list[Answer]


@dataclass(frozen=True)
class TextParityReport:
    """The comparison of two runtimes.

    Attributes:
        places: Number of places that were compared; 0 if the runtime tells no probabilities.
        perplexity: Of the exported model at those whose right token the framework holds likely.
        reference_perplexity: Of the framework at the same places.
        agreement: Share of the places, 0 to 1, where both hold the same token the likeliest.
        least_agreement: Smallest share that counts as equal.
        max_abs_difference: Largest absolute difference of a log-probability, at the place that
            leaves the least room.
        tolerance: Largest difference that counts as equal there.
        texts: Number of prompts that were answered.
        equal_texts: Number of answers that are the framework's.
        must_be_equal: Whether all of them have to be.
    """

    places: int
    perplexity: float | None
    reference_perplexity: float | None
    agreement: float | None
    least_agreement: float
    max_abs_difference: float | None
    tolerance: float
    texts: int
    equal_texts: int
    must_be_equal: bool

    @property
    def passed(self) -> bool:
        """Whether the exported model may be used."""
        if self.must_be_equal and self.equal_texts < self.texts:
            return False
        if self.agreement is None or self.max_abs_difference is None:
            return self.must_be_equal
        return self.agreement >= self.least_agreement and self.max_abs_difference <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """Return all values and the verdict, ready for JSON."""
        return {**asdict(self), "passed": self.passed}


def write_reference(folder: Path, reference: Reference) -> None:
    """Store what the framework said in a model's folder."""
    write_json(folder / PARITY_FILE, asdict(reference))


def read_reference(folder: Path) -> Reference:
    """Read what the framework said.

    Raises:
        ProjectError: The file is missing or damaged.
    """
    path = folder / PARITY_FILE
    values = read_json(path)
    try:
        places = [
            Place(
                str(each["context"]),
                {int(token): float(value) for token, value in each["expected"].items()},
                int(each["right"]),
            )
            for each in values["places"]
        ]
        answers = [Answer(**each) for each in values["answers"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ArtefactError(f"{path} is damaged: export or copy the model again.") from error
    return Reference(places, answers)


def check_text_parity(generator: Generator, folder: Path, model: TextModel) -> TextParityReport:
    """Ask an open generator what the framework was asked, and compare.

    Raises:
        ProjectError: The folder has no readable `parity.json`, or the generator fails.
    """
    reference = read_reference(folder)
    found = [
        (place, generator.next_token(place.context))
        for place in (reference.places if generator.tells_probabilities else [])
    ]
    likely = [each for each in found if each[0].right in each[0].expected]
    equal = [_text(generator, answer) == answer.text for answer in reference.answers]
    tolerance = Tolerance(model.tolerance, model.relative_tolerance)
    differences = [
        (_difference(*each), tolerance.among(each[0].expected.values())) for each in found
    ]
    difference, allowed = max(
        differences, key=lambda each: each[0] / each[1], default=(None, model.tolerance)
    )
    report = TextParityReport(
        places=len(found),
        perplexity=_perplexity([told.get(place.right, -math.inf) for place, told in likely]),
        reference_perplexity=_perplexity([place.expected[place.right] for place, _ in likely]),
        agreement=_agreement(found),
        least_agreement=model.agreement,
        max_abs_difference=difference,
        tolerance=allowed,
        texts=len(equal),
        equal_texts=sum(equal),
        must_be_equal=model.equal_text,
    )
    if not report.texts:
        raise ProjectError(f"{folder / PARITY_FILE} has no prompt: export the model again.")
    return report


def likeliest(told: dict[int, float]) -> int:
    """Return the token with the highest log-probability."""
    return max(told, key=lambda token: told[token])


def _text(generator: Generator, answer: Answer) -> str:
    return generator.generate(answer.prompt, GenerationSettings(max_tokens=answer.tokens))


def _agreement(found: list[tuple[Place, dict[int, float]]]) -> float | None:
    same = [likeliest(told) == likeliest(place.expected) for place, told in found]
    return sum(same) / len(same) if same else None


def _difference(place: Place, told: dict[int, float]) -> float:
    """Return the largest one; a token that the runtime holds too unlikely to name is infinite."""
    differences = [
        abs(told[token] - value) if token in told else math.inf
        for token, value in place.expected.items()
    ]
    return max(math.inf if math.isnan(each) else each for each in differences)


def _perplexity(told: list[float]) -> float | None:
    return math.exp(-sum(told) / len(told)) if told else None
