# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter for servers with OpenAI's interface: Ollama, vLLM, llama.cpp's own, hosted ones.

Requests, retries and streams are those of OpenAI's client; here are settings, and sentences.
"""

from __future__ import annotations

import difflib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

import httpx2
import openai

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
    ServerUnreachableError,
)
from .generator import GenerationSettings, Generator
from .opening import checked_values
from .protocol import answer_of, error_of, piece_of, request_body

_LONGEST_REASON = 300
_MANY = 8
_STREAM = "text/event-stream"
_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    }
)
_NO_CONNECTION = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
_NO_KEY = (openai.AuthenticationError, openai.PermissionDeniedError)


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
        retries: How often a request is repeated when the server is busy, fails or is not there.
    """

    base_url: str = "http://127.0.0.1:11434/v1"
    model: str = ""
    check_model: bool = True
    chat: bool = True
    key_variable: str = "GENERATE_API_KEY"
    connect_timeout: float = 5.0
    read_timeout: float = 120.0
    retries: int = 2

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: One of them cannot be used.
        """
        if not self.model:
            raise ConfigError("model is not set: name the model that shall answer.")
        parts = _parts(self.base_url)
        if parts is None:
            raise ConfigError("base_url must look like http://127.0.0.1:11434/v1.")
        if parts.userinfo or parts.query or parts.fragment:
            raise ConfigError("base_url must be an address alone; a key goes into the environment.")
        if self.connect_timeout <= 0 or self.read_timeout <= 0 or self.retries < 0:
            raise ConfigError("Timeouts must be above 0, and retries not below 0.")


class HttpApiGenerator(Generator):
    """Asks a server. Several threads may use it at once; they share its connections."""

    def __init__(self, settings: HttpApiSettings) -> None:
        """Take the settings, and the key from the environment; nothing is sent yet.

        Raises:
            ConfigError: The key, or a proxy that the environment names, cannot be used.
        """
        self._settings = settings
        self._model = settings.model
        self._key = _key(settings.key_variable)
        self._listed = threading.Event()
        self._client = self._connected()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _connected(self) -> openai.OpenAI:
        settings = self._settings
        try:
            sender = openai.DefaultHttpxClient(
                follow_redirects=False,  # the prompt is for this server alone
                event_hooks={"request": [self._keep_needed], "response": [_read_unstreamed]},
            )
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            reason = self._safe(str(error))
            raise ConfigError(f"A proxy of the environment cannot be used: {reason}.") from error
        return openai.OpenAI(
            base_url=settings.base_url,
            api_key=self._key or "none",  # it wants one; `_keep_needed` does not send it
            timeout=httpx2.Timeout(settings.read_timeout, connect=settings.connect_timeout),
            max_retries=settings.retries,
            http_client=sender,
        )

    def _keep_needed(self, request: httpx2.Request) -> None:
        """Take out what the client adds of this machine and of OPENAI_... in the environment."""
        kept = {name: value for name, value in request.headers.items() if name in _HEADERS}
        if self._key:
            kept["authorization"] = f"Bearer {self._key}"
        request.headers = httpx2.Headers(kept)

    def _generate(self, prompt: str, settings: GenerationSettings) -> str:
        with self._errors_told():
            return answer_of(self._checked(self._asked(prompt, settings, stream=False)))

    def _stream(self, prompt: str, settings: GenerationSettings) -> Iterator[str]:
        with self._errors_told(), self._asked(prompt, settings, stream=True) as chunks:
            if not _is_stream(chunks.response):
                text = answer_of(self._checked(chunks.response.json()))
                yield from [text] if text else []
                return
            is_complete = False
            for chunk in chunks:
                piece = piece_of(self._checked(chunk))
                if piece.text:
                    yield piece.text
                is_complete = is_complete or piece.is_last
        if not is_complete:
            raise AnswerCutOffError(
                f"{self._settings.base_url} ended the answer before the model did; ask again."
            )

    def _asked(self, prompt: str, settings: GenerationSettings, *, stream: bool) -> Any:
        if self._client.is_closed():
            raise GenerationError("The generator is closed.")
        self._check_model()
        model, chat = self._model, self._settings.chat
        create: Callable[..., Any] = (
            self._client.chat.completions.create if chat else self._client.completions.create
        )
        return create(**request_body(prompt, settings, model=model, chat=chat, stream=stream))

    def _check_model(self) -> None:
        """Look the model up in the server's list, once; not every server has such a list."""
        if self._listed.is_set() or not self._settings.check_model:
            return
        found = self._names()
        wanted = self._settings.model
        if found is not None and not {wanted, f"{wanted}:latest"} & set(found):
            files = [name for name in found if wanted in _names_of_file(name)]
            if len(files) != 1:
                raise ModelMissingError(
                    f"{self._settings.base_url} lists no model {wanted!r}; {self._has(found)}. Set "
                    "model, or check_model = false if the server knows names that it does not list."
                )
            (self._model,) = files
        self._listed.set()

    def _names(self) -> list[str] | None:
        """Return the names in the server's list of models, or None if there is no such list."""
        try:
            rows = self._client.models.list().data
            names = [name for row in rows for name in (row.id, *getattr(row, "aliases", []))]
        except _NO_KEY:
            raise
        except (openai.APIStatusError, AttributeError, TypeError, ValueError):
            return None
        return list(dict.fromkeys(map(str, names)))

    def _has(self, names: list[str]) -> str:
        """Say which models there are, the most alike first if there are many."""
        if not names:
            return "it has none"
        alike = difflib.get_close_matches(self._settings.model, names, _MANY, cutoff=0.0)
        shown = names if len(names) <= _MANY else alike
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        return f"it has {self._safe(', '.join(shown))}{more}"

    def _checked(self, answer: Any) -> Any:
        """Return an answer, or a part of one, as it came; the client fits it to no type.

        Raises:
            BadAnswerError: It is no JSON.
            ServerError: It says that the server failed.
        """
        if isinstance(answer, str):
            raise self._bad_answer()
        plain = answer.to_dict(warnings=False) if isinstance(answer, openai.BaseModel) else answer
        said = error_of(plain)
        if said is not None:
            raise ServerError(f"{self._settings.base_url} failed: {self._safe(said)}.")
        return plain

    def _bad_answer(self) -> BadAnswerError:
        return BadAnswerError(
            f"{self._settings.base_url} answers with something that is not JSON: is it the "
            "address of an OpenAI-compatible interface, up to /v1?"
        )

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        """Turn the client's errors into the project's."""
        try:
            yield
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except openai.APIConnectionError as error:
            raise self._lost(error.__cause__) from error
        except openai.APIError as error:  # the server says it in the middle of a stream
            said = error_of({"error": error.body}) or error.message
            raise ServerError(f"{self._settings.base_url} failed: {self._safe(said)}.") from error
        except ValueError as error:
            raise self._bad_answer() from error

    def _lost(self, cause: BaseException | None) -> GenerationError:
        """Return what it means that there is no connection, or none any more."""
        url, settings = self._settings.base_url, self._settings
        reason = self._safe(str(cause))
        if isinstance(cause, _NO_CONNECTION):
            if isinstance(cause, httpx2.ConnectTimeout):
                reason = f"no connection within {settings.connect_timeout:g} seconds"
            return ServerUnreachableError(
                f"{url} cannot be reached ({reason}): is the server up, and base_url its address?"
            )
        if isinstance(cause, httpx2.TimeoutException):
            return AnswerCutOffError(
                f"{url} sent nothing for {settings.read_timeout:g} seconds: it is too busy, or "
                "raise read_timeout."
            )
        return AnswerCutOffError(f"{url} stopped before its answer's end ({reason}).")

    def _refusal(self, error: openai.APIStatusError) -> GenerationError:
        """Return what the status of an answer means."""
        url, model, status = self._settings.base_url, self._settings.model, error.status_code
        said = self._reasons(error.response)
        if isinstance(error, _NO_KEY):
            name = self._settings.key_variable
            does = "does not take the key in" if self._key else "asks for a key: set"
            return KeyRefusedError(f"{url} {does} the environment variable {name}{said}.")
        if isinstance(error, openai.NotFoundError):
            return ModelMissingError(
                f"{url} has no model {model!r}, or no OpenAI-compatible interface{said}."
            )
        if isinstance(error, openai.RateLimitError):
            return RateLimitError(
                f"{url} takes no more requests for now{said}: wait, ask for less, or raise retries."
            )
        if isinstance(error, openai.InternalServerError):
            return ServerError(f"{url} failed with status {status}{said}.")
        if error.response.is_redirect:
            return ServerError(f"{url} sends requests elsewhere: set base_url to the new address.")
        return RequestRefusedError(f"{url} refused the request with status {status}{said}.")

    def _reasons(self, answer: httpx2.Response) -> str:
        """Return what the server says about a refusal, in brackets, or "" if it says nothing."""
        try:
            said = error_of(answer.json()) or ""
        except ValueError:
            said = ""
        wait = answer.headers.get("Retry-After", "")
        reasons = filter(None, (self._safe(said), self._safe(wait and f"Retry-After: {wait}")))
        text = "; ".join(reasons)
        return text and f" ({text})"

    def _safe(self, text: str) -> str:
        """Return text of the server as one printable line without the key."""
        hidden = text.replace(self._key, "***") if self._key else text
        line = " ".join("".join(each if each.isprintable() else " " for each in hidden).split())
        return line[:_LONGEST_REASON].rstrip(". ")


def _names_of_file(listed: str) -> set[str]:
    """Return what a model may be called that a server lists by the path of its file.

    llama.cpp's does unless it was told an alias. An export is called as its folder.
    """
    path = PureWindowsPath(listed)  # which knows both kinds of slashes
    return {path.name, path.stem, path.parent.name} if path.suffix == ".gguf" else set()


def open_generator(values: Mapping[str, Any], place: str) -> Generator:
    """Prepare requests to the server that the table names; nothing is sent yet.

    Raises:
        ConfigError: A setting or the key is wrong.
    """
    settings = HttpApiSettings(**checked_values(HttpApiSettings, values, place))
    return HttpApiGenerator(settings)


def _parts(address: str) -> httpx2.URL | None:
    """Return the parts of an address of a server, or None if it is none."""
    try:
        parts = httpx2.URL(address)
    except httpx2.InvalidURL:
        return None
    return parts if parts.scheme in ("http", "https") and parts.host else None


def _key(variable: str) -> str:
    """Return the key in the environment, or ""; no message ever holds it."""
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(f"The environment variable {variable} holds something that is no key.")
    return key


def _is_stream(answer: httpx2.Response) -> bool:
    return answer.is_success and answer.headers.get("Content-Type", "").startswith(_STREAM)


def _read_unstreamed(answer: httpx2.Response) -> None:
    """Read what is no stream while the client still tells what goes wrong."""
    if not _is_stream(answer):
        answer.read()
