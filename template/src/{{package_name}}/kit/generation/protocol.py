# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The part of OpenAI's interface that everybody speaks: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BadAnswerError
from .generator import GenerationSettings


@dataclass(frozen=True)
class Piece:
    """A part of an answer.

    Attributes:
        text: The part itself; it may be empty.
        is_last: Whether the model says that the answer is complete.
    """

    text: str
    is_last: bool


def request_body(
    prompt: str, settings: GenerationSettings, *, model: str, chat: bool, stream: bool
) -> dict[str, Any]:
    """Return what is asked, for `chat/completions` or `completions`."""
    asked: dict[str, Any] = (
        {"messages": [{"role": "user", "content": prompt}]} if chat else {"prompt": prompt}
    )
    body = {
        "model": model,
        **asked,
        "max_tokens": settings.max_tokens,
        "temperature": settings.temperature,
        "stream": stream,
    }
    if settings.stop:
        body["stop"] = list(settings.stop)
    if settings.seed is not None:
        body["seed"] = settings.seed
    return body


def answer_of(answer: Any) -> str:
    """Return the text of a whole answer.

    Raises:
        BadAnswerError: There is none in it.
    """
    choice = _first_choice(answer)
    if choice is None:
        raise BadAnswerError("The answer holds no text.")
    return _text(choice["message"] if isinstance(choice.get("message"), dict) else choice)


def piece_of(chunk: Any) -> Piece:
    """Return the part of an answer in one chunk of a stream; some chunks hold only counts.

    Raises:
        BadAnswerError: It is no chunk of an answer.
    """
    choice = _first_choice(chunk)
    if choice is None:
        return Piece("", is_last=False)
    part = choice["delta"] if isinstance(choice.get("delta"), dict) else choice
    return Piece(_text(part), is_last=choice.get("finish_reason") is not None)


def error_of(answer: Any) -> str | None:
    """Return what a server says is wrong, or None if it does not say that anything is."""
    if not isinstance(answer, Mapping):
        return None
    said = answer.get("error")
    if said is None and answer.get("object") == "error":  # as vLLM says it
        said = answer
    if isinstance(said, Mapping):
        said = said.get("message") or said.get("type") or "an error without a message"
    return None if said is None else str(said)


def _first_choice(answer: Any) -> Mapping[str, Any] | None:
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if not isinstance(choices, list):
        raise BadAnswerError("The answer has no `choices`, which OpenAI's interface promises.")
    if not choices:
        return None
    if not isinstance(choices[0], Mapping):
        raise BadAnswerError("The first of the answer's `choices` is no object.")
    return choices[0]


def _text(part: Mapping[str, Any]) -> str:
    text = part.get("content", part.get("text"))
    if text is None:  # the first chunk only says who speaks
        return ""
    if not isinstance(text, str):
        raise BadAnswerError("The answer's text is no text.")
    return text
