# Owned by the template: every update rewrites this file. How text is made: configs/generate.toml.
"""What a request for text becomes in each runtime, and what is counted of its answer.

The adapters of `generation` take one prompt and count nothing. A request has several messages, and
its answer says how many tokens it took, so it goes through a copy of the adapter that shares the
model and its lock.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from ..answers import load_answers
from ..errors import ConfigError, InputError
from ..generation.generator import GenerationSettings, before_stop
from ..generation.generator import _checked as checked_prompt
from ..generation.protocol import request_body

LENGTH, STOP = "length", "stop"


@dataclass(frozen=True)
class Message:
    """What somebody said.

    Attributes:
        role: Who, such as `user`.
        content: What.
    """

    role: str
    content: str


@dataclass
class Counts:
    """What is known of an answer once it has ended.

    Attributes:
        prompt: Tokens of the prompt.
        answer: Tokens of the answer.
        reason: Why it ended.
    """

    prompt: int = 0
    answer: int = 0
    reason: str = STOP


Asked = str | Sequence[Message]


def begin(
    generator: Any, asked: Asked, settings: GenerationSettings
) -> tuple[Counts, Iterator[str]]:
    """Return what will be counted of an answer, and the answer in pieces.

    Args:
        generator: An open generator of the project's runtime.
        asked: Text that is continued as it is, or messages. Without a chat template, by
            `chat = false`, what they say is continued.
        settings: The settings.

    Raises:
        InputError: It is no text, or not what the chat template takes.
        GenerationError: It is too long, or generating failed.
    """
    texts = [asked] if isinstance(asked, str) else [each.content for each in asked]
    checked_prompt("\n".join(texts))
    chats = _of(generator).chats(generator) and not isinstance(asked, str)
    given: Asked = asked if chats else "\n".join(texts)
    counts, pieces = _of(generator).begin(generator, given, settings)
    return counts, _up_to(pieces, settings.stop, counts)


def _up_to(pieces: Iterator[str], stops: tuple[str, ...], counts: Counts) -> Iterator[str]:
    """Yield an answer up to the first of some texts; then that is why it ended."""
    whole = False

    def each() -> Iterator[str]:
        nonlocal whole
        yield from pieces
        whole = True

    with closing(pieces):  # type: ignore[type-var]
        yield from before_stop(each(), stops)
    if not whole:
        counts.reason = STOP


@dataclass(frozen=True)
class Runtime:
    """How a runtime is asked.

    Attributes:
        begin: What begins an answer.
        chats: What tells whether messages go through the model's chat template.
    """

    begin: Callable[[Any, Any, GenerationSettings], tuple[Counts, Iterator[str]]]
    chats: Callable[[Any], bool]


def _with_transformers(
    generator: Any, asked: Asked, settings: GenerationSettings
) -> tuple[Counts, Iterator[str]]:
    view = copy.copy(generator)
    tokenizer = generator._tokenizer
    text = _templated(tokenizer, asked, tokenize=False)
    encoded = tokenizer(
        text, return_tensors="pt", add_special_tokens=isinstance(asked, str), verbose=False
    )
    inputs = generator._fitting(encoded["input_ids"])
    counts = Counts(inputs.shape[1])
    settings = _within(settings, counts, generator._open().config.max_position_embeddings)
    view._inputs = lambda prompt: inputs
    view._model = _CountingModel(generator._open(), counts, settings.max_tokens)
    return counts, view._stream("", settings)


class _CountingModel:
    """A model of Transformers whose tokens are counted."""

    def __init__(self, model: Any, counts: Counts, most: int) -> None:
        self._model, self._counts, self._most = model, counts, most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, inputs: Any, *, stopping_criteria: Any, **options: Any) -> Any:
        """Generate; what is asked after each token counts it."""
        ends = self._model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        wanted = stopping_criteria[0]

        def count(tokens: Any, scores: Any, **others: Any) -> Any:
            self._counts.answer = tokens.shape[1] - self._counts.prompt
            is_last = int(tokens[0, -1]) in ends or self._counts.answer < self._most
            self._counts.reason = STOP if is_last else LENGTH
            return wanted(tokens, scores, **others)

        stopping_criteria[0] = count
        return self._model.generate(inputs, stopping_criteria=stopping_criteria, **options)


def _with_openvino(
    generator: Any, asked: Asked, settings: GenerationSettings
) -> tuple[Counts, Iterator[str]]:
    view = copy.copy(generator)
    tokenizer = generator._open().get_tokenizer()
    text = _templated(tokenizer, asked)
    encoded = tokenizer.encode(text, add_special_tokens=isinstance(asked, str))
    inputs = generator._fitting(encoded)
    counts = Counts(inputs.input_ids.shape[1])
    settings = _within(settings, counts, generator._context)
    view._inputs = lambda prompt: inputs
    view._pipeline = _CountingPipeline(generator._open(), counts)
    return counts, view._stream("", settings)


class _CountingPipeline:
    """A pipeline of OpenVINO GenAI whose tokens are counted."""

    def __init__(self, pipeline: Any, counts: Counts) -> None:
        self._pipeline, self._counts = pipeline, counts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)

    def generate(self, inputs: Any, config: Any, take: Callable[[str], Any]) -> None:
        """Generate; the result says which tokens there were."""
        tokens = self._pipeline.generate(inputs, config, take).tokens[0]
        self._counts.answer = len(tokens)
        ends = {config.eos_token_id, *config.stop_token_ids}
        is_whole = len(tokens) < config.max_new_tokens or tokens[-1] in ends
        self._counts.reason = STOP if is_whole else LENGTH


def _with_llama_cpp(
    generator: Any, asked: Asked, settings: GenerationSettings
) -> tuple[Counts, Iterator[str]]:
    view, counts = copy.copy(generator), Counts()
    generator._handler()  # which says so if it is closed
    chat = not isinstance(asked, str)
    body = {
        **request_body("", settings, model="", chat=chat, stream=True),
        "stream_options": {"include_usage": True},
        "timings_per_token": True,  # which count what an answer took that is ended early
        "cache_prompt": False,
    }
    if isinstance(asked, str):
        body["prompt"] = asked
        handle = generator._server.handle_completions
    else:
        body["messages"] = [vars(each) for each in asked]
        handle = generator._server.handle_chat_completions

    def counting(body: Any, take: Callable[[Any], bool]) -> Any:
        return handle(body, lambda chunk: _count_chunk(chunk, take(chunk), counts))

    view._body = lambda prompt, settings: body
    view._handler = lambda: counting
    return counts, view._stream("", settings)


def _count_chunk(chunk: Any, is_unwanted: bool, counts: Counts) -> bool:
    """Take note of what llama.cpp says of an answer; return whether it shall end."""
    if not isinstance(chunk, dict):
        return is_unwanted
    choices, usage = chunk.get("choices"), chunk.get("usage")
    reason = choices[0].get("finish_reason") if choices else None
    if reason:
        counts.reason = LENGTH if reason == LENGTH else STOP
    timings = chunk.get("timings")
    if timings:
        counts.prompt, counts.answer = timings["prompt_n"], timings["predicted_n"]
    if usage:
        counts.prompt, counts.answer = usage["prompt_tokens"], usage["completion_tokens"]
    return is_unwanted and not reason  # after the last piece come the counts


def _templated(tokenizer: Any, asked: Asked, **options: Any) -> str:
    """Return what the chat template makes of messages; text stays as it is."""
    if isinstance(asked, str):
        return asked
    if not tokenizer.chat_template:
        raise ConfigError("The model has no chat template: set chat = false.")
    messages = [vars(each) for each in asked]
    try:
        text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, **options)
    except Exception as error:  # of Jinja, and of what stands in for it
        raise InputError("The model's chat template does not take these messages.") from error
    return str(text)


def _within(settings: GenerationSettings, counts: Counts, context: int) -> GenerationSettings:
    """Let an answer end where the model's context does, if it is known; stop texts are for here."""
    most = min(settings.max_tokens, context - counts.prompt) if context else settings.max_tokens
    return replace(settings, max_tokens=most, stop=())


_RUNTIMES = {
    "native": Runtime(_with_transformers, lambda generator: bool(generator._chat)),
    "openvino-genai": Runtime(_with_openvino, lambda generator: bool(generator._chat)),
    "llama-cpp": Runtime(_with_llama_cpp, lambda generator: bool(generator._settings.chat)),
}


def _of(generator: Any) -> Runtime:
    """Return the project's runtime."""
    return _RUNTIMES[load_answers().inference]
