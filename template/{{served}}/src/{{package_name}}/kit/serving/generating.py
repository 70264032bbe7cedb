# Owned by the template: every update rewrites this file. How text is made: configs/generate.toml.
"""Serve a model that generates text, as OpenAI's interface has it.

One answer is generated at a time, which is how the runtimes work; others wait for their turn in a
queue that is bounded. An answer that nobody reads any more ends at the next token.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from fastapi import APIRouter, Request
from prometheus_client import Counter, Histogram

from ..answers import load_answers
from ..artifacts import METADATA_FILE, read_description
from ..errors import (
    ArtefactError,
    ConfigError,
    InputError,
    ProjectError,
    RequestRefusedError,
    reason_of,
)
from ..generation import GenerationSettings, Generator, open_generator, read_settings
from ..generation.generator import DEFAULT_SETTINGS
from ..generation.opening import DEFAULT_CONFIG, read_table
from ..project_folder import in_project
from . import engines, open_ai
from .application import create_app
from .engines import Asked, Counts
from .metrics import Metrics
from .problems import BusyError
from .service import answered
from .settings import ServingSettings

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


@dataclass(frozen=True)
class Model:
    """A version of the model.

    Attributes:
        name: What clients call it.
        version: The run that it comes from, or the beginning of its hash.
        sha256: Of its description, which holds the hashes of all its files, or of its files.
        generator: What generates.
        settings: How, where a request does not say it.
        origin: Where it comes from, in words.
    """

    name: str
    version: str
    sha256: str
    generator: Generator
    settings: GenerationSettings = DEFAULT_SETTINGS
    origin: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        """Return what it is, in words."""
        known = {"model": self.name, "version": self.version, "sha256": self.sha256}
        return {**known, **self.origin}


def open_model(folder: Path | None, config: Path = DEFAULT_CONFIG) -> Model:
    """Open a model and let it generate a token.

    Args:
        folder: What `export` wrote, or a file; by default the model that the settings name.
        config: The file of settings.

    Raises:
        ProjectError: It is missing, changed, or does not run.
    """
    settings, generator = read_settings(config), open_generator(config, folder)
    try:
        generator.check()
        path = folder or _configured(config)
        sha256, origin = _fingerprint(path), _origin(path)
    except BaseException:
        generator.close()
        raise
    version = str(origin.get("run_id") or sha256[:12])
    pairs = (("commit", "git_commit"), ("data_sha256", "data_sha256"))
    shown = {name: str(origin[key]) for name, key in pairs if origin.get(key)}
    name = path.stem if path.is_file() else path.name
    return Model(name, version, sha256, generator, settings, shown)


def _configured(config: Path) -> Path:
    """Return the model that the settings name."""
    runtime = load_answers().inference
    named = read_table(config, runtime).get("model")
    if not named:
        raise ConfigError(f"Name a model in {config}, [{runtime}].")
    return in_project(named)


def _origin(path: Path) -> Mapping[str, Any]:
    """Return where an exported model comes from; what others have made does not say."""
    if not (path / METADATA_FILE).is_file():
        return {}
    origin: Mapping[str, Any] = read_description(path).get("origin", {})
    return origin


def _fingerprint(path: Path) -> str:
    """Return a hash that changes with the model."""
    if (path / METADATA_FILE).is_file():
        return hashlib.sha256((path / METADATA_FILE).read_bytes()).hexdigest()
    files = [path] if path.is_file() else sorted(each for each in path.iterdir() if each.is_file())
    whole = hashlib.sha256()
    for each in files:
        with each.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


@dataclass
class Answer:
    """An answer, and what is known of it once it has begun or ended.

    Attributes:
        pieces: Its text, as it is generated.
        model: What generates it.
        counts: What it took.
    """

    pieces: AsyncIterator[str] = field(init=False)
    model: Model = field(init=False)
    counts: Counts = field(default_factory=Counts)


class GeneratorService:
    """A `service.Service` for a model that generates text."""

    def __init__(
        self, open_newest: Callable[[], Model], model: Model, settings: ServingSettings
    ) -> None:
        """Take an open model.

        Args:
            open_newest: What opens it again, for a reload.
            model: The model.
            settings: The limits.
        """
        self.name = model.name
        self.title = load_answers().project_name
        self.settings = settings
        self.model = model
        self.opened = int(time.time())
        self._open_newest = open_newest
        self._line: _Line | None = None
        self._thread = ThreadPoolExecutor(1, "generator")
        self._reloading = asyncio.Lock()

    @classmethod
    def open(
        cls, folder: Path | None, settings: ServingSettings, device: str | None = None
    ) -> GeneratorService:
        """Open the model of a folder, or the one that the settings name.

        Raises:
            ProjectError: It cannot be opened.
        """
        if device is not None:
            raise ConfigError(f"--device is not for text: set device in {DEFAULT_CONFIG}.")
        newest = partial(open_model, folder)
        return cls(newest, newest(), settings)

    def facts(self) -> Mapping[str, str]:
        """Return what is served."""
        return self.model.facts()

    def is_ready(self) -> bool:
        """Tell whether a request would be answered now."""
        return self._line is not None

    def error_members(self, path: str, detail: str) -> Mapping[str, Any]:
        """Return what clients of OpenAI's interface look for in an error."""
        error = {"message": detail, "type": None, "param": None, "code": None}
        return {"error": error} if path.startswith("/v1") else {}

    async def start(self, metrics: Metrics) -> None:
        """Begin to answer."""
        self._line = _Line(metrics, self.settings.max_waiting)

    async def stop(self) -> None:
        """Release the model."""
        self._line = None
        self._thread.shutdown()
        self.model.generator.close()

    async def reload(self) -> None:
        """Open the model again and let it generate from the next answer on.

        Raises:
            ProjectError: It cannot be opened.
        """
        async with self._reloading:
            try:
                found = await asyncio.to_thread(self._open_newest)
            except (ProjectError, OSError):
                raise
            except Exception as error:  # runtimes pass on errors of every kind
                raise ArtefactError(f"The new model does not run: {reason_of(error)}") from error
            before, self.model = self.model, found
            async with self._running().lock:
                before.generator.close()

    def router(self) -> APIRouter:
        """Return the routes of OpenAI's interface."""
        return open_ai.router(self)

    def answer(self, request: Request, asked: Asked, settings: GenerationSettings) -> Answer:
        """Return an answer, which is generated as its pieces are asked for.

        Its pieces raise:
            InputError: It is not what the model takes.
            BusyError: The queue is full, or the server is about to end.
            TooSlowError: Its turn, or its next piece, did not come in time.
            ClientLeftError: The client left.
        """
        answer = Answer()
        answer.pieces = self._watched(request, self._generated(asked, settings, answer))
        return answer

    async def _watched(self, request: Request, pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        async with aclosing(pieces):  # type: ignore[type-var]
            while True:
                try:
                    piece = await answered(request, anext(pieces), self.settings.timeout)
                except StopAsyncIteration:
                    return
                yield piece

    async def _generated(
        self, asked: Asked, settings: GenerationSettings, answer: Answer
    ) -> AsyncIterator[str]:
        line, began, stream = self._running(), time.perf_counter(), None
        async with line.turn():
            answer.model = model = self.model
            run = asyncio.get_running_loop().run_in_executor
            turned, first = time.perf_counter(), True
            try:
                answer.counts, stream = await run(
                    self._thread, engines.begin, model.generator, asked, settings
                )
                while (piece := await run(self._thread, next, stream, None)) is not None:
                    if first:
                        first = False
                        line.first.labels(model.version).observe(time.perf_counter() - began)
                    yield piece
            except (RequestRefusedError, ConfigError) as error:
                raise InputError(str(error)) from error
            finally:
                if stream is not None:  # its thread ends what it does before
                    await asyncio.shield(run(self._thread, stream.close))  # type: ignore[attr-defined]
                line.note(model.version, answer.counts, time.perf_counter() - turned)

    def _running(self) -> _Line:
        if self._line is None:
            raise BusyError("The server is about to end: ask again in a while.")
        return self._line


def describe_interface() -> dict[str, Any]:
    """Return what the server takes and gives, in the form of OpenAPI; no model is needed."""
    settings, nothing = ServingSettings(), cast("Any", None)
    model = Model("model", "", "", nothing)
    return create_app(GeneratorService(lambda: model, model, settings), settings).openapi()


class _Line:
    """The requests that wait for their turn, and what is measured of answers."""

    def __init__(self, metrics: Metrics, most: int) -> None:
        self.lock = asyncio.Lock()
        self._metrics, self._most, self._waiting = metrics, most, 0
        to = metrics.registry
        self.tokens = Counter(
            "serving_tokens", "Tokens of prompts and answers", ["kind", "version"], registry=to
        )
        self.first = Histogram(
            "serving_first_text_seconds",
            "Seconds from a request to the first text of its answer, with its time in the queue",
            ["version"],
            buckets=_SECONDS,
            registry=to,
        )
        self.seconds = Histogram(
            "serving_answer_seconds",
            "Seconds that the model generated",
            ["version"],
            buckets=_SECONDS,
            registry=to,
        )

    def note(self, version: str, counts: Counts, seconds: float) -> None:
        """Measure an answer that has ended."""
        self.tokens.labels("prompt", version).inc(counts.prompt)
        self.tokens.labels("answer", version).inc(counts.answer)
        self.seconds.labels(version).observe(seconds)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn, and have it.

        Raises:
            BusyError: Too many wait already.
        """
        if self.lock.locked() and self._waiting >= self._most:
            self._metrics.refused.inc()
            raise BusyError("Too many requests wait already: ask again in a while.")
        self._waiting += 1
        self._metrics.waiting.inc()
        try:
            await self.lock.acquire()
        except asyncio.CancelledError:
            self._metrics.cancelled.inc()
            raise
        finally:
            self._waiting -= 1
            self._metrics.waiting.dec()
        try:
            yield
        finally:
            self.lock.release()
