# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter for OpenVINO GenAI, which generates in this process with a converted model."""

from __future__ import annotations

import importlib
import json
import math
import queue
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..artifacts import METADATA_FILE
from ..devices import choose_device
from ..errors import (
    ArtefactError,
    ConfigError,
    GenerationError,
    ModelMissingError,
    RequestRefusedError,
)
from ..memory import CPU, Need, free_memory, require_memory
from ..openvino_api import without_statistics
from .artifact import model_file
from .generator import GenerationSettings, Generator, before_stop
from .opening import checked_values

FORMAT = "openvino-genai"
MODEL_FILE = "openvino_model.xml"
_SEEDS = 2**31

# It computes in half precision only.
_NPU = "NPU"

# The modules have no types for mypy; a missing one becomes a sentence where this is imported.
with without_statistics() as openvino:
    _GENAI: Any = importlib.import_module("openvino_genai")
    _CORE: Any = openvino.Core()


@dataclass(frozen=True)
class OpenVinoGenAiSettings:
    """The table [openvino-genai].

    Attributes:
        model: The folder of a converted model, from the project's folder.
        chat: Whether the prompt goes through the model's chat template, or is continued as it is.
        threads: CPU threads; 0 leaves it to OpenVINO. Another number can give other last digits.
        device: `cpu`, `xpu`, `npu`, or `auto`: the accelerator if there is one. Empty takes what
            the environment variable INFERENCE_DEVICE says, and without it the CPU.
    """

    model: str = "models/model"
    chat: bool = True
    threads: int = 0
    device: str = ""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A value is out of its range.
        """
        if self.threads < 0:
            raise ConfigError("threads must not be below 0.")


class OpenVinoGenAiGenerator(Generator):
    """Generates with an open model. Several threads may use it; they wait for each other."""

    tells_probabilities = True

    def __init__(
        self, pipeline: Any, probabilities: Probabilities, *, chat: bool, context: int
    ) -> None:
        """Take a pipeline.

        Args:
            pipeline: OpenVINO GenAI's.
            probabilities: The same model, as OpenVINO itself computes it.
            chat: Whether prompts go through the chat template.
            context: Tokens that fit into the model; 0 if that is not known.
        """
        self._pipeline = pipeline
        self._probabilities = probabilities
        self._chat = chat
        self._context = context
        self._lock = threading.Lock()

    def next_token(self, context: str) -> dict[int, float]:
        """Return all tokens; the text is continued as it is, without a template."""
        tokenizer = self._open().get_tokenizer()
        with self._lock:
            return self._probabilities.of_next(self._fitting(tokenizer.encode(context)))

    def check(self) -> None:
        """Generate one token."""
        self.generate("Hello", GenerationSettings(max_tokens=1))

    def close(self) -> None:
        """Free the model's memory."""
        self._pipeline = None
        self._probabilities.close()

    def _generate(self, prompt: str, settings: GenerationSettings) -> str:
        return "".join(self._stream(prompt, settings))  # which Ctrl-C ends at the next token

    def _stream(self, prompt: str, settings: GenerationSettings) -> Iterator[str]:
        """Pass on what OpenVINO GenAI hands to a callback, from a thread of its own."""
        pipeline, inputs = self._open(), self._inputs(prompt)
        config = _config(pipeline, settings)
        pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        unwanted = threading.Event()
        failures: list[Exception] = []

        def take(piece: str) -> Any:
            pieces.put(piece)
            status = _GENAI.StreamingStatus
            return status.CANCEL if unwanted.is_set() else status.RUNNING

        def work() -> None:
            try:
                with self._lock:
                    pipeline.generate(inputs, config, take)
            except RuntimeError as error:
                failures.append(error)
            finally:
                pieces.put(None)

        worker = threading.Thread(target=work, name=FORMAT, daemon=True)
        worker.start()
        try:
            yield from before_stop(_until_none(pieces), settings.stop)
        finally:
            unwanted.set()
            worker.join()
        if failures:
            reason = _last_line(failures[0])
            raise GenerationError(f"OpenVINO GenAI failed: {reason}") from failures[0]

    def _inputs(self, prompt: str) -> Any:
        tokenizer = self._open().get_tokenizer()
        if self._chat:
            if not tokenizer.chat_template:
                raise ConfigError("The model has no chat template: set chat = false.")
            messages = [{"role": "user", "content": prompt}]
            prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
        return self._fitting(tokenizer.encode(prompt, add_special_tokens=not self._chat))

    def _fitting(self, inputs: Any) -> Any:
        count = inputs.input_ids.shape[1]
        if 0 < self._context <= count:
            raise RequestRefusedError(
                f"The prompt has {count} tokens and the model's context size is {self._context}: "
                "shorten it."
            )
        return inputs

    def _open(self) -> Any:
        if self._pipeline is None:
            raise GenerationError("The generator is closed.")
        return self._pipeline


class Probabilities:
    """What OpenVINO computes with the file that OpenVINO GenAI generates with.

    OpenVINO GenAI tells the log-probability of the token that it takes, and of no other. The model
    is compiled a second time, when it is first asked.
    """

    def __init__(self, path: Path, device: str, properties: Mapping[str, Any]) -> None:
        """Take the model's file, and how OpenVINO GenAI has compiled it."""
        self._path = path
        self._device = device
        self._properties = properties
        self._request: Any = None

    def of_next(self, inputs: Any) -> dict[int, float]:
        """Return the log-probability of every token after a text.

        Raises:
            GenerationError: OpenVINO cannot compile the model for the device, or run it.
        """
        try:
            if self._request is None:
                model = _CORE.read_model(self._path)
                compiled = _CORE.compile_model(model, self._device, self._properties)
                self._request = compiled.create_infer_request()
            return _log_probabilities(self._logits(inputs))
        except RuntimeError as error:
            raise GenerationError(f"OpenVINO failed: {_last_line(error)}") from error

    def close(self) -> None:
        """Free the memory."""
        self._request = None

    def _logits(self, inputs: Any) -> list[float]:
        count = inputs.input_ids.shape[1]
        given = {
            "input_ids": inputs.input_ids,
            "attention_mask": inputs.attention_mask,
            "position_ids": _numbers(openvino.Type.i64, [1, count]),
            "beam_idx": _numbers(openvino.Type.i32, [1]),
        }
        names = {name for port in self._request.get_compiled_model().inputs for name in port.names}
        self._request.reset_state()
        self._request.infer({name: each for name, each in given.items() if name in names})
        logits: list[float] = self._request.get_tensor("logits").data[0, -1].tolist()
        return logits


def open_generator(values: Mapping[str, Any], place: str) -> Generator:
    """Open the folder that the table names.

    Raises:
        ConfigError: A setting is wrong, or there is no such device.
        ModelMissingError: There is no such folder.
        ArtefactError: A file was changed, or it is no model that OpenVINO GenAI can open.
        NotEnoughMemoryError: It does not fit.
    """
    settings = OpenVinoGenAiSettings(**checked_values(OpenVinoGenAiSettings, values, place))
    folder = Path(settings.model)
    if not folder.is_dir():
        raise ModelMissingError(
            f"{folder} is not there: put the folder of a converted model there, or name another as "
            f"model in {place}."
        )
    if not (folder / MODEL_FILE).is_file():
        raise ArtefactError(f"{folder} has no {MODEL_FILE}: it is no model for OpenVINO GenAI.")
    if (folder / METADATA_FILE).is_file():  # what others have converted has none
        model_file(folder, FORMAT)
    return open_folder(folder, chat=settings.chat, threads=settings.threads, device=settings.device)


def open_folder(folder: Path, *, chat: bool, threads: int, device: str) -> Generator:
    """Open a folder.

    Raises:
        ConfigError: There is no such device.
        ArtefactError: It is no model that OpenVINO GenAI can open.
        NotEnoughMemoryError: It does not fit.
    """
    here = {name.partition(".")[0] for name in _CORE.available_devices}
    chosen = choose_device("openvino-genai", here, device)
    properties = _properties(chosen, threads)
    # They pass the machine's memory on every device; what attention remembers grows later.
    weights = sum(path.stat().st_size for path in folder.glob("*.bin"))
    require_memory(str(folder), Need(weights), {CPU: free_memory()})
    try:
        pipeline = _GENAI.LLMPipeline(folder, chosen, **properties)
    except RuntimeError as error:
        raise ArtefactError(f"OpenVINO GenAI cannot open {folder}: {_last_line(error)}") from error
    probabilities = Probabilities(folder / MODEL_FILE, chosen, properties)
    return OpenVinoGenAiGenerator(pipeline, probabilities, chat=chat, context=_context(folder))


def _properties(device: str, threads: int) -> dict[str, Any]:
    """Ask for full precision: CPUs and GPUs compute and remember with fewer bits unless told."""
    if device == _NPU:
        return {}
    chosen = {"INFERENCE_NUM_THREADS": threads} if threads else {}
    return {"EXECUTION_MODE_HINT": "ACCURACY", **chosen}


def _config(pipeline: Any, settings: GenerationSettings) -> Any:
    config = pipeline.get_generation_config()
    config.max_new_tokens = settings.max_tokens
    config.do_sample = settings.temperature > 0
    if config.do_sample:
        config.temperature, config.top_k, config.top_p = settings.temperature, 0, 1.0
        # Its own default is the same one every time.
        config.rng_seed = secrets.randbelow(_SEEDS) if settings.seed is None else settings.seed
    return config


def _context(folder: Path) -> int:
    """Return how many tokens the model was made for, or 0 where its configuration does not say."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return int(config["max_position_embeddings"])
    except (OSError, KeyError, TypeError, ValueError):
        return 0


def _numbers(kind: Any, shape: list[int]) -> Any:
    """Return a tensor that counts from 0 along its last axis."""
    tensor = openvino.Tensor(kind, openvino.Shape(shape))
    tensor.data[...] = range(shape[-1])
    return tensor


def _log_probabilities(logits: list[float]) -> dict[int, float]:
    highest = max(logits)
    whole = highest + math.log(math.fsum(math.exp(each - highest) for each in logits))
    return {token: each - whole for token, each in enumerate(logits)}


def _until_none(pieces: queue.SimpleQueue[str | None]) -> Iterator[str]:
    while (piece := pieces.get()) is not None:
        yield piece


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
