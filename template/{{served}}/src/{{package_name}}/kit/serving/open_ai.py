# Owned by the template: every update rewrites this file. Routes of your own go to serving.py.
"""The part of OpenAI's interface that everybody speaks, for a model that generates text."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from ..errors import ConfigError, InputError
from ..generation import GenerationSettings
from .application import error_responses
from .engines import Message

if TYPE_CHECKING:
    from .generating import Answer, GeneratorService

_ERRORS = error_responses(400, 401, 404, 408, 413, 422, 500, 503, 504)
_NEUTRAL: dict[str, Any] = {
    "n": 1,
    "best_of": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "logit_bias": {},
    "echo": False,
    "suffix": "",
    "tools": [],
    "functions": [],
    "response_format": {"type": "text"},
}
"""What would change an answer and is not offered, each with the value that changes nothing."""


class StreamOptions(BaseModel):
    """How an answer is streamed."""

    include_usage: bool = False


class _Asked(BaseModel):
    """What both kinds of request have."""

    model_config = ConfigDict(extra="allow")

    model: str = Field("", description="as /v1/models names it; without it the one that is here")
    max_tokens: int | None = Field(None, ge=1, le=1_000_000)
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def settings(self, defaults: GenerationSettings) -> GenerationSettings:
        """Return what is asked for, and what it does not say as the defaults have it."""
        for name, value in (self.model_extra or {}).items():
            if value is not None and value != _NEUTRAL.get(name, value):
                raise InputError(f"{name} is not offered here: leave it out.")
        stop = [self.stop] if isinstance(self.stop, str) else self.stop
        most = self.max_tokens or getattr(self, "max_completion_tokens", None)
        asked = {
            "max_tokens": most,
            "temperature": self.temperature,
            "stop": None if stop is None else tuple(stop),
            "seed": self.seed,
        }
        given: dict[str, Any] = {name: each for name, each in asked.items() if each is not None}
        try:
            return replace(defaults, **given)
        except ConfigError as error:
            raise InputError(str(error)) from error


class CompletionRequest(_Asked):
    """Text that is continued as it is."""

    prompt: str


class TextPart(BaseModel):
    """A part of what somebody said."""

    type: str = Field(pattern="^text$")
    text: str


class ChatMessage(BaseModel):
    """What somebody said."""

    role: str
    content: str | list[TextPart]

    def message(self) -> Message:
        """Return it as one text."""
        content = self.content
        text = content if isinstance(content, str) else "".join(each.text for each in content)
        return Message(self.role, text)


class ChatRequest(_Asked):
    """Messages, which the next one is generated for."""

    messages: list[ChatMessage] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1, le=1_000_000)


def router(service: GeneratorService) -> APIRouter:
    """Return the routes."""
    found = APIRouter(prefix="/v1", tags=["model"])

    @found.get("/models", responses=error_responses(401))
    async def models() -> dict[str, Any]:
        """List the model that is here."""
        return {"object": "list", "data": [_description(service)]}

    @found.get("/models/{name}", responses=error_responses(401, 404))
    async def model(name: str) -> dict[str, Any]:
        """Describe the model that is here."""
        _require_model(service, name)
        return _description(service)

    @found.post("/completions", responses=_ERRORS)
    async def completions(request: Request, body: CompletionRequest) -> Response:
        """Continue a text."""
        _require_model(service, body.model)
        answer = service.answer(request, body.prompt, body.settings(service.model.settings))
        return await _response(request, body, answer, _Form(service.name, request, chat=False))

    @found.post("/chat/completions", responses=_ERRORS)
    async def chat_completions(request: Request, body: ChatRequest) -> Response:
        """Generate the next message."""
        _require_model(service, body.model)
        messages = [each.message() for each in body.messages]
        answer = service.answer(request, messages, body.settings(service.model.settings))
        return await _response(request, body, answer, _Form(service.name, request, chat=True))

    return found


def _description(service: GeneratorService) -> dict[str, Any]:
    owner = {"created": service.opened, "owned_by": service.title}
    return {"id": service.name, "object": "model", **owner}


def _require_model(service: GeneratorService, name: str) -> None:
    if name not in ("", service.name):
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"There is no such model here: there is {service.name}."
        )


class _Form:
    """How an answer is written, in one piece or in several."""

    def __init__(self, model: str, request: Request, *, chat: bool) -> None:
        self._chat = chat
        prefix = "chatcmpl" if chat else "cmpl"
        identifier = f"{prefix}-{request.state.request_id}"
        self._common = {"id": identifier, "created": int(time.time()), "model": model}

    def whole(self, text: str, answer: Answer) -> dict[str, Any]:
        """Return an answer in one piece."""
        said = {"message": {"role": "assistant", "content": text}} if self._chat else {"text": text}
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": answer.counts.reason}
        kind = "chat.completion" if self._chat else "text_completion"
        return {"object": kind, **self._common, "choices": [choice], "usage": _usage(answer)}

    def piece(self, text: str, *, first: bool = False, reason: str | None = None) -> bytes:
        """Return a piece of an answer."""
        role = {"role": "assistant"} if first else {}
        said = {"delta": {**role, "content": text}} if self._chat else {"text": text}
        return self._event([{"index": 0, **said, "logprobs": None, "finish_reason": reason}])

    def usage(self, answer: Answer) -> bytes:
        """Return the piece that says what an answer took."""
        return self._event([], usage=_usage(answer))

    def _event(self, choices: list[Any], **more: Any) -> bytes:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        chunk = {"object": kind, **self._common, "choices": choices, **more}
        return f"data: {json.dumps(chunk)}\n\n".encode()


def _usage(answer: Answer) -> dict[str, int]:
    counts = answer.counts
    return {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.answer,
        "total_tokens": counts.prompt + counts.answer,
    }


async def _response(request: Request, body: _Asked, answer: Answer, form: _Form) -> Response:
    """Return an answer as a whole, or as it is generated."""
    if not body.stream:
        text = "".join([piece async for piece in answer.pieces])
        _note(request, answer)
        return JSONResponse(form.whole(text, answer), headers=_headers(answer))
    # What is refused is refused before the answer begins.
    first = await anext(answer.pieces, "")

    async def events() -> AsyncIterator[bytes]:
        try:
            yield form.piece(first, first=True)
            async for piece in answer.pieces:
                yield form.piece(piece)
        finally:
            await answer.pieces.aclose()  # type: ignore[attr-defined]
            _note(request, answer)
        yield form.piece("", reason=answer.counts.reason)
        if body.stream_options and body.stream_options.include_usage:
            yield form.usage(answer)
        yield b"data: [DONE]\n\n"

    return _Events(events(), headers=_headers(answer), media_type="text/event-stream")


class _Events(StreamingResponse):
    """A stream that is closed at once when it ends early; its source sees that the client left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await self.stream_response(send)


def _headers(answer: Answer) -> dict[str, str]:
    return {"X-Model-Version": answer.model.version, "Cache-Control": "no-store"}


def _note(request: Request, answer: Answer) -> None:
    """Say in the log what an answer took."""
    request.state.facts = {
        "prompt_tokens": answer.counts.prompt,
        "answer_tokens": answer.counts.answer,
        "version": answer.model.version,
    }
