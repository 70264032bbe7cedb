# Owned by the template: every update rewrites this file. Which text is held out: data.py.
"""What the training framework says about held-out text, for exported models to be compared with."""

from __future__ import annotations

import re
from typing import Any

import torch

from ..errors import ExportError
from ..generation.parity import Answer, Place, Reference, Tolerance

PLACES = 64
CONTEXT_CHARACTERS = 200
LIKELIEST = 50
DIGITS = 6
PROMPTS = 8
PROMPT_CHARACTERS = 60
ANSWER_TOKENS = 32

# Between two words, where every tokenizer that knows spaces has a border too.
_BORDER = re.compile(r"(?<=[a-z]) (?=[A-Za-z])")
_INVALID = "\ufffd"


def make_reference(model: Any, tokenizer: Any, text: str, tolerance: Tolerance) -> Reference:
    """Ask the model about places and prompts that lie evenly in a text.

    Where its two likeliest tokens are as likely within the tolerance, a runtime may take either:
    such places are left out, and answers end there.

    Args:
        model: The trained model, on the CPU and in evaluation mode.
        tokenizer: Its tokenizer.
        text: Text that it was not trained on.
        tolerance: What will count as equal.

    Raises:
        ExportError: The text has too few words.
    """
    borders = [found.start() for found in _BORDER.finditer(text)]
    borders = [border for border in borders if border >= PROMPT_CHARACTERS]
    if len(borders) < PLACES:
        raise ExportError(f"The held-out text has fewer than {PLACES} places to compare at.")
    step = len(borders) // PLACES
    chosen = borders[: step * PLACES : step]
    places = [_place(model, tokenizer, text, border) for border in chosen]
    prompts = [
        text[border - PROMPT_CHARACTERS : border].lstrip()
        for border in chosen[:: PLACES // PROMPTS]
    ]
    answers = [_answer(model, tokenizer, each, tolerance) for each in prompts]
    reference = Reference(
        [place for place in places if _decided(list(place.expected.values()), tolerance)],
        [answer for answer in answers if answer.tokens],
    )
    if not reference.places or not reference.answers:
        raise ExportError("The model holds no token likelier than all others: train it longer.")
    return reference


def _place(model: Any, tokenizer: Any, text: str, border: int) -> Place:
    context = text[max(0, border - CONTEXT_CHARACTERS) : border].lstrip()
    told = _next(model, _tokens(tokenizer, context))
    top = _likeliest(told)
    expected = {
        int(token): round(float(value), DIGITS)
        for token, value in zip(top.indices, top.values, strict=True)
    }
    right = _tokens(tokenizer, text[border : border + PROMPT_CHARACTERS])[0]
    return Place(context, expected, right)


def _answer(model: Any, tokenizer: Any, prompt: str, tolerance: Tolerance) -> Answer:
    """Take the likeliest token each time, as long as none is as likely within the tolerance."""
    tokens = _tokens(tokenizer, prompt)
    start = len(tokens)
    for _ in range(ANSWER_TOKENS):
        told = _next(model, tokens)
        if not _decided(_likeliest(told).values.tolist(), tolerance):
            break
        tokens.append(int(told.argmax()))
        if tokens[-1] == tokenizer.eos_token_id:
            break
    answer = tokens[start:]
    while answer and _INVALID in tokenizer.decode(answer):  # half of a character
        answer.pop()
    return Answer(prompt, tokenizer.decode(answer, skip_special_tokens=True), len(answer))


def _likeliest(told: torch.Tensor) -> Any:
    return told.topk(min(LIKELIEST, len(told)))


def _decided(descending: list[float], tolerance: Tolerance) -> bool:
    """Tell whether the two likeliest stay in order if each moves by the tolerance."""
    return descending[0] - descending[1] > 2 * tolerance.among(descending)


def _tokens(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, verbose=False)["input_ids"])


def _next(model: Any, tokens: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        logits = model(torch.tensor([tokens])).logits[0, -1]
    told: torch.Tensor = logits.double().log_softmax(dim=-1)
    return told
