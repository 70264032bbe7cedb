# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter for llama.cpp, which generates in this process with a model in a GGUF file."""

from __future__ import annotations

import importlib
import queue
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import devices
from ..errors import (
    AnswerCutOffError,
    ArtefactError,
    ConfigError,
    GenerationError,
    ModelMissingError,
    RequestRefusedError,
)
from ..memory import CPU, Need, free_memory, require_memory
from .artifact import model_file
from .generator import GenerationSettings, Generator
from .opening import checked_values
from .protocol import error_of, piece_of, request_body

FORMAT = "gguf"
LOOPBACK = "127.0.0.1"
_MAGIC = b"GGUF"
_SILENT = -1
_MANY_TOKENS = 1000
_LIBRARY = "llama-cpp"
_AS_MANY_AS_FIT = -1
_FIRST_TOKEN = {"prompt": "a", "max_tokens": 1, "cache_prompt": False}

# It has no type information; a missing package becomes a sentence where this module is imported.
_LLAMA_CPP: Any = importlib.import_module("xllamacpp")


@dataclass(frozen=True)
class LlamaCppSettings:
    """The table [llama-cpp].

    Attributes:
        model: The GGUF file, or the folder that `export` wrote, from the project's folder.
        chat: Whether the prompt goes through the model's chat template, or is continued as it is.
        context: Tokens of prompt and answer together; 0 takes what the model was trained with.
        threads: CPU threads; 0 leaves it to llama.cpp. Another number can give other last digits.
        device: `cpu`, `cuda`, `rocm`, `xpu`, `mps`, or `auto`: the GPU if the installed llama.cpp
            finds one. Empty takes what the environment variable INFERENCE_DEVICE says; without it
            `auto` if `gpu_layers` is set, else the CPU.
        gpu_layers: Layers that the GPU computes, if it is the device; 0: as many as fit.
    """

    model: str = "models/model.gguf"
    chat: bool = True
    context: int = 4096
    threads: int = 0
    device: str = ""
    gpu_layers: int = 0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A value is out of its range.
        """
        for name in ("context", "threads", "gpu_layers"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must not be below 0.")


class LlamaCppGenerator(Generator):
    """Generates with an open model. Several threads may use it; they wait for each other."""

    tells_probabilities = True

    def __init__(self, server: Any, settings: LlamaCppSettings) -> None:
        """Take llama.cpp's server object, which is called here and not through its port."""
        self._server = server
        self._settings = settings
        self._lock = threading.Lock()

    def next_token(self, context: str) -> dict[int, float]:
        """Return the likeliest tokens; the text is continued as it is, without a template."""
        body = {**_FIRST_TOKEN, "prompt": context, "temperature": 0.0, "logprobs": _MANY_TOKENS}
        self._handler()
        with self._lock:
            answer = self._server.handle_completions(body)
        _refuse_error(answer)
        told = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        return {int(each["id"]): float(each["logprob"]) for each in told}

    def check(self) -> None:
        """Generate one token."""
        self.generate("Hello", GenerationSettings(max_tokens=1))

    def close(self) -> None:
        """Free the model's memory."""
        self._server = None

    def _generate(self, prompt: str, settings: GenerationSettings) -> str:
        return "".join(self._stream(prompt, settings))  # which Ctrl-C ends at the next token

    def _stream(self, prompt: str, settings: GenerationSettings) -> Iterator[str]:
        """Pass on what llama.cpp hands to a callback, from a thread of its own."""
        handle, body = self._handler(), self._body(prompt, settings)
        chunks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        unwanted = threading.Event()

        def take(chunk: Any) -> bool:
            chunks.put(chunk)
            return unwanted.is_set()  # true ends the generation

        def work() -> None:
            try:
                with self._lock:
                    handle(body, take)
            except ValueError as error:  # which the chat template raises, of what it does not take
                chunks.put({"error": {"message": str(error).strip().splitlines()[-1]}})
            finally:
                chunks.put(None)

        worker = threading.Thread(target=work, name="llama.cpp", daemon=True)
        worker.start()
        try:
            yield from _texts(iter(chunks.get, None))
        finally:
            unwanted.set()
            worker.join()

    def _body(self, prompt: str, settings: GenerationSettings) -> dict[str, Any]:
        model, chat = self._settings.model, self._settings.chat
        body = request_body(prompt, settings, model=model, chat=chat, stream=True)
        # With what an earlier prompt left behind, the same prompt can give other last digits.
        return {**body, "cache_prompt": False}

    def _handler(self) -> Callable[..., Any]:
        if self._server is None:
            raise GenerationError("The generator is closed.")
        chat = self._settings.chat
        handler: Callable[..., Any] = (
            self._server.handle_chat_completions if chat else self._server.handle_completions
        )
        return handler


def open_generator(values: Mapping[str, Any], place: str) -> Generator:
    """Open the GGUF file that the table names.

    Raises:
        ConfigError: A setting is wrong, or there is no such device.
        ModelMissingError: There is no such file.
        ArtefactError: It is no model that llama.cpp can open.
        NotEnoughMemoryError: It does not fit.
    """
    settings, path = _checked(values, place)
    parameters = _parameters(settings, path)
    # It listens on a free port of this machine in any case; nobody else shall use the model there.
    parameters.api_keys = [secrets.token_urlsafe()]
    return LlamaCppGenerator(_started(parameters), settings)


def start_server(values: Mapping[str, Any], place: str, *, name: str, port: int, key: str) -> Any:
    """Start llama.cpp's server on this machine's own address; it ends with the returned object.

    Args:
        values: The table [llama-cpp].
        place: What messages call it.
        name: What the server calls the model.
        port: Where it listens; 0 takes a free one.
        key: What it wants to be told, if anything.

    Raises:
        GenerationError: The port is taken; otherwise as `open_generator`.
    """
    settings, path = _checked(values, place)
    try:
        socket.create_server((LOOPBACK, port)).close()
    except (OSError, OverflowError) as error:
        raise GenerationError(f"Port {port} cannot be had, give another one: {error}.") from error
    parameters = _parameters(settings, path)
    parameters.model_alias, parameters.hostnames, parameters.port = {name}, [LOOPBACK], port
    parameters.api_keys = [key] if key else []
    return _started(parameters)


def _checked(values: Mapping[str, Any], place: str) -> tuple[LlamaCppSettings, Path]:
    settings = LlamaCppSettings(**checked_values(LlamaCppSettings, values, place))
    path = model_file(Path(settings.model), FORMAT)
    if not path.is_file():
        raise ModelMissingError(
            f"{path} is not there: put a GGUF file there, or name another as model in {place}."
        )
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ArtefactError(f"{path} is not a GGUF file.")
    return settings, path


def _started(parameters: Any) -> Any:
    path = Path(parameters.model.path)
    require_memory(str(path), Need(path.stat().st_size), {CPU: free_memory()})
    try:
        server = _LLAMA_CPP.Server(parameters)
        # Freed before its loop runs, llama.cpp waits for ever; an answer proves that it runs.
        _refuse_error(server.handle_completions(_FIRST_TOKEN))
    except RuntimeError as error:
        raise ArtefactError(
            f"llama.cpp cannot open {path}: it is damaged, or made for another llama.cpp."
        ) from error
    return server


def _parameters(settings: LlamaCppSettings, path: Path) -> Any:
    layers = _gpu_layers(settings)
    parameters = _LLAMA_CPP.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = settings.context
    parameters.n_gpu_layers = layers
    parameters.no_op_offload = layers == 0  # else a GPU still computes long prompts
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.verbosity = _SILENT
    parameters.ui = False
    if settings.threads:
        parameters.cpuparams.n_threads = settings.threads
    return parameters


def _gpu_layers(settings: LlamaCppSettings) -> int:
    """Return how many layers a GPU shall compute."""
    # A number follows the name, as there can be several of a kind.
    here = {each["name"].rstrip("0123456789") for each in _LLAMA_CPP.get_device_info()}
    default = devices.AUTO if settings.gpu_layers else devices.CPU
    chosen = devices.choose_device(_LIBRARY, here, settings.device, default=default)
    if chosen == devices.known_devices(_LIBRARY)[devices.CPU]:
        return 0
    return settings.gpu_layers or _AS_MANY_AS_FIT


def _texts(chunks: Iterator[Any]) -> Iterator[str]:
    for chunk in chunks:
        _refuse_error(chunk)
        piece = piece_of(chunk)
        if piece.text:
            yield piece.text
        if piece.is_last:
            return
    raise AnswerCutOffError("llama.cpp ended the answer before the model did.")


def _refuse_error(answer: Any) -> None:
    said = error_of(answer)
    if said is not None:
        raise RequestRefusedError(f"llama.cpp does not take the prompt: {said}.")
