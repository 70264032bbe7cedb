# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter for servers with OpenAI's interface: Ollama, vLLM, llama.cpp's own, hosted ones."""

from __future__ import annotations

import difflib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from ..errors import (
    AnswerCutOffError,
    BadAnswerError,
    ConfigError,
    GenerationError,
    KeyRefusedError,
    ModelMissingError,
    RateLimitError,
    RequestRefusedError,
    ServerError,
)
from .generator import GenerationSettings, Generator
from .http_requests import Answer, Connector
from .opening import checked_values
from .pauses import RETRIED, longest_pause, pause_before
from .protocol import answer_of, error_of, piece_of, request_body

_OK = 200
_REDIRECTS = range(300, 400)
_NO_KEY = (401, 403)
_NOT_FOUND = 404
_TOO_MANY = 429
_SERVERS_FAULT = 500
_LONGEST_REASON = 300
_MANY = 8
_DATA = b"data:"
_DONE = b"[DONE]"


@dataclass(frozen=True)
class HttpApiSettings:
    """The table [http-api].

    Attributes:
        base_url: The server's address up to and with `/v1`.
        model: The model's name there.
        check_model: Whether the model must be among those that the server lists. Some servers
            answer with another model where they do not have the one that was asked for.
        chat: Whether the prompt goes through the model's chat template, or is continued as it is.
        key_variable: The environment variable that holds the key, if the server wants one.
        connect_timeout: Seconds until a connection stands.
        read_timeout: Seconds without a byte after which an answer is given up.
        retries: How often a request is repeated when the server is busy or fails.
    """

    base_url: str = "http://127.0.0.1:11434/v1"
    model: str = ""
    check_model: bool = True
    chat: bool = True
    key_variable: str = "GENERATE_API_KEY"
    connect_timeout: float = 5.0
    read_timeout: float = 120.0
    retries: int = 4

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            ConfigError: One of them cannot be used.
        """
        if not self.model:
            raise ConfigError("model is not set: name the model that shall answer.")
        parts = _parts(self.base_url)
        if parts is None:
            raise ConfigError("base_url must look like http://127.0.0.1:11434/v1.")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigError("base_url must be an address alone; a key goes into the environment.")
        if self.connect_timeout <= 0 or self.read_timeout <= 0 or self.retries < 0:
            raise ConfigError("Timeouts must be above 0, and retries not below 0.")


class HttpApiGenerator(Generator):
    """Asks a server. Several threads may use it at once: every request has its own connection."""

    def __init__(
        self, settings: HttpApiSettings, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Takes the settings, and what waits a number of seconds."""
        self._settings = settings
        self._pause = pause
        self._connector = Connector(settings.connect_timeout, settings.read_timeout)
        self._key = _key(settings.key_variable)
        self._listed = threading.Event()

    def _generate(self, prompt: str, settings: GenerationSettings) -> str:
        with self._asked(prompt, settings, stream=False) as answer:
            return answer_of(self._parsed(answer.read()))

    def _stream(self, prompt: str, settings: GenerationSettings) -> Iterator[str]:
        with self._asked(prompt, settings, stream=True) as answer:
            if not answer.is_stream:
                text = answer_of(self._parsed(answer.read()))
                yield from [text] if text else []
                return
            yield from self._texts(answer)

    @contextmanager
    def _asked(
        self, prompt: str, settings: GenerationSettings, *, stream: bool
    ) -> Iterator[Answer]:
        self._check_model()
        model, chat = self._settings.model, self._settings.chat
        body = request_body(prompt, settings, model=model, chat=chat, stream=stream)
        with self._answered("chat/completions" if chat else "completions", body) as answer:
            if answer.status != _OK:
                self._refuse(answer)
            yield answer

    def _check_model(self) -> None:
        """Looks the model up in the server's list, once; not every server has such a list."""
        if self._listed.is_set() or not self._settings.check_model:
            return
        with self._answered("models") as answer:
            if answer.status in _NO_KEY:
                self._refuse(answer)
            found = _names(answer.read()) if answer.status == _OK else None
        wanted = self._settings.model
        if found is not None and not {wanted, f"{wanted}:latest"} & set(found):
            raise ModelMissingError(
                f"{self._settings.base_url} lists no model {wanted!r}; {self._has(found)}. Set "
                "model, or check_model = false if the server knows names that it does not list."
            )
        self._listed.set()

    def _has(self, names: list[str]) -> str:
        """Says which models there are, the most alike first if there are many."""
        if not names:
            return "it has none"
        alike = difflib.get_close_matches(self._settings.model, names, _MANY, cutoff=0.0)
        shown = names if len(names) <= _MANY else alike
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        return f"it has {self._safe(', '.join(shown))}{more}"

    @contextmanager
    def _answered(self, path: str, body: Mapping[str, Any] | None = None) -> Iterator[Answer]:
        """Yields the first answer that is no reason to try again, or the last one there is."""
        for attempt in range(self._settings.retries + 1):
            with self._request(path, body) as answer:
                wait = pause_before(attempt + 1, answer.headers.get("Retry-After"))
                is_last = attempt == self._settings.retries or wait > longest_pause()
                if answer.status not in RETRIED or is_last:
                    yield answer
                    return
            self._pause(wait)

    def _request(self, path: str, body: Mapping[str, Any] | None) -> Answer:
        content = None if body is None else json.dumps(body).encode("utf-8")
        headers = {"Accept": "application/json, text/event-stream"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return self._connector.ask(
            f"{self._settings.base_url.rstrip('/')}/{path}", content, headers
        )

    def _texts(self, answer: Answer) -> Iterator[str]:
        """Yields the pieces of a stream of server-sent events, which must come to its end."""
        is_complete = False
        for line in answer.lines():
            data = line.removeprefix(_DATA).strip()
            if not line.startswith(_DATA) or not data:
                continue  # comments and other fields keep a connection alive
            if data == _DONE:
                return
            piece = piece_of(self._parsed(data))
            if piece.text:
                yield piece.text
            is_complete = is_complete or piece.is_last
        if not is_complete:
            raise AnswerCutOffError(
                f"{self._settings.base_url} ended the answer before the model did; ask again."
            )

    def _parsed(self, content: bytes) -> Any:
        """Returns JSON that is no error.

        Raises:
            BadAnswerError: It is no JSON.
            ServerError: It says that the server failed.
        """
        try:
            parsed = json.loads(content)
        except ValueError as error:
            raise BadAnswerError(
                f"{self._settings.base_url} answers with something that is not JSON: is it the "
                "address of an OpenAI-compatible interface, up to /v1?"
            ) from error
        said = error_of(parsed)
        if said is not None:
            raise ServerError(f"{self._settings.base_url} failed: {self._safe(said)}.")
        return parsed

    def _reason(self, answer: Answer) -> str:
        """Returns what the server says about a refusal, or "" if it says nothing readable."""
        try:
            return self._safe(error_of(json.loads(answer.read())) or "")
        except (GenerationError, ValueError):
            return ""

    def _safe(self, text: str) -> str:
        """Returns text of the server as one printable line without the key."""
        hidden = text.replace(self._key, "***") if self._key else text
        line = " ".join("".join(each if each.isprintable() else " " for each in hidden).split())
        return line[:_LONGEST_REASON].rstrip(". ")

    def _refuse(self, answer: Answer) -> NoReturn:
        """Raises what the status of an answer means."""
        url, model, status = self._settings.base_url, self._settings.model, answer.status
        wait = self._safe(answer.headers.get("Retry-After", ""))
        reasons = [self._reason(answer), f"Retry-After: {wait}" if wait else ""]
        said = f" ({'; '.join(filter(None, reasons))})" if any(reasons) else ""
        if status in _NO_KEY:
            name = self._settings.key_variable
            does = "does not take the key in" if self._key else "asks for a key: set"
            raise KeyRefusedError(f"{url} {does} the environment variable {name}{said}.")
        if status == _NOT_FOUND:
            raise ModelMissingError(
                f"{url} has no model {model!r}, or no OpenAI-compatible interface{said}."
            )
        if status == _TOO_MANY:
            raise RateLimitError(
                f"{url} takes no more requests for now{said}: wait, ask for less, or raise retries."
            )
        if status >= _SERVERS_FAULT:
            raise ServerError(f"{url} failed with status {status}{said}.")
        if status in _REDIRECTS:
            raise ServerError(f"{url} sends requests elsewhere: set base_url to the new address.")
        raise RequestRefusedError(f"{url} refused the request with status {status}{said}.")


def open_generator(values: Mapping[str, Any], place: str) -> Generator:
    """Prepares requests to the server that the table names; nothing is sent yet.

    Raises:
        ConfigError: A setting or the key is wrong.
    """
    settings = HttpApiSettings(**checked_values(HttpApiSettings, values, place))
    return HttpApiGenerator(settings)


def _parts(address: str) -> SplitResult | None:
    """Returns the parts of an address of a server, or None if it is none."""
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if is_one and address.isprintable() and " " not in address else None


def _key(variable: str) -> str:
    """Returns the key in the environment, or ""; no message ever holds it."""
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(f"The environment variable {variable} holds something that is no key.")
    return key


def _names(content: bytes) -> list[str] | None:
    """Returns the names in a server's list of models, or None if it is no such list."""
    try:
        rows = json.loads(content)["data"]
        names = [name for row in rows for name in (row["id"], *row.get("aliases", []))]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return list(dict.fromkeys(map(str, names)))
