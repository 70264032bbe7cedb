# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter that generates with Transformers itself; needs torch and transformers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)
from transformers.utils import logging

from .. import hub
from ..devices import choose_device, torch_devices
from ..errors import (
    ArtefactError,
    ConfigError,
    GenerationError,
    ModelMissingError,
    RequestRefusedError,
)
from ..memory import CPU, Need, free_memory, require_memory
from .artifact import read_text_model
from .generator import GenerationSettings, Generator, before_stop
from .opening import checked_values

FORMAT = "transformers"

logging.set_verbosity_error()
logging.disable_progress_bar()
hub.keep_offline()


@dataclass(frozen=True)
class NativeSettings:
    """The table [native].

    Attributes:
        model: The folder that `export` wrote, from the project's folder.
        chat: Whether the prompt goes through the model's chat template, or is continued as it is.
        threads: CPU threads; 0 leaves it to torch. Another number can give other last digits.
        device: `cpu`, `cuda`, `rocm`, `xpu`, `mps`, or `auto`: the accelerator if there is one.
            Empty takes what the environment variable INFERENCE_DEVICE says, and without it the CPU.
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


class TransformersGenerator(Generator):
    """Generates with an open model. Several threads may use it; they wait for each other."""

    tells_probabilities = True

    def __init__(self, model: Any, tokenizer: Any, *, chat: bool) -> None:
        """Take a model in evaluation mode on its device."""
        self._model = model
        self._tokenizer = tokenizer
        self._chat = chat
        self._lock = threading.Lock()

    def next_token(self, context: str) -> dict[int, float]:
        """Return all tokens; the text is continued as it is, without a template."""
        model = self._open()
        inputs = self._tokenizer(context, return_tensors="pt", verbose=False)["input_ids"]
        with self._lock, torch.inference_mode():
            logits = model(self._fitting(inputs)).logits[0, -1]
        return dict(enumerate(logits.double().log_softmax(dim=-1).tolist()))

    def check(self) -> None:
        """Generate one token."""
        self.generate("Hello", GenerationSettings(max_tokens=1))

    def close(self) -> None:
        """Free the model's memory."""
        self._model = None

    def _generate(self, prompt: str, settings: GenerationSettings) -> str:
        return "".join(self._stream(prompt, settings))  # which Ctrl-C ends at the next token

    def _stream(self, prompt: str, settings: GenerationSettings) -> Iterator[str]:
        """Pass on what a thread of its own generates."""
        model, inputs = self._open(), self._fitting(self._inputs(prompt))
        unwanted = _Unwanted()
        streamer = TextIteratorStreamer(
            self._tokenizer, skip_prompt=True, skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )  # fmt: skip
        failures: list[Exception] = []

        def work() -> None:
            try:
                with self._lock, torch.inference_mode():
                    if settings.seed is not None:
                        torch.manual_seed(settings.seed)
                    model.generate(
                        inputs,
                        attention_mask=torch.ones_like(inputs),
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([unwanted]),
                        max_new_tokens=settings.max_tokens,
                        **_choice(settings.temperature),
                    )
            except Exception as error:  # out of memory, and whatever a model's own code raises
                failures.append(error)
                streamer.end()

        worker = threading.Thread(target=work, name="transformers", daemon=True)
        worker.start()
        try:
            yield from before_stop(streamer, settings.stop)
        finally:
            unwanted.set()
            worker.join()
        if failures:
            raise GenerationError(f"Transformers failed: {failures[0]}.") from failures[0]

    def _inputs(self, prompt: str) -> torch.Tensor:
        if self._chat:
            if not self._tokenizer.chat_template:
                raise ConfigError("The model has no chat template: set chat = false.")
            messages = [{"role": "user", "content": prompt}]
            prompt = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        encoded = self._tokenizer(
            prompt, return_tensors="pt", add_special_tokens=not self._chat, verbose=False
        )
        inputs: torch.Tensor = encoded["input_ids"]
        return inputs

    def _fitting(self, inputs: torch.Tensor) -> torch.Tensor:
        model = self._open()
        size = model.config.max_position_embeddings
        if inputs.shape[1] >= size:
            raise RequestRefusedError(
                f"The prompt has {inputs.shape[1]} tokens and the model's context size is {size}: "
                "shorten it."
            )
        return inputs.to(model.device)

    def _open(self) -> Any:
        if self._model is None:
            raise GenerationError("The generator is closed.")
        return self._model


class _Unwanted(StoppingCriteria):
    """Ends a generation that nobody listens to any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def __call__(self, input_ids: torch.Tensor, scores: Any, **others: Any) -> torch.Tensor:
        return torch.full((len(input_ids),), self._event.is_set(), device=input_ids.device)


def open_generator(values: Mapping[str, Any], place: str) -> Generator:
    """Open the folder that the table names.

    Raises:
        ConfigError: A setting is wrong, or there is no such device.
        ModelMissingError: There is no such folder.
        ArtefactError: A file was changed, or it is no model that Transformers can open.
    """
    settings = NativeSettings(**checked_values(NativeSettings, values, place))
    folder = Path(settings.model)
    if not folder.is_dir():
        raise ModelMissingError(
            f"{folder} is not there: export a model, or name another folder as model in {place}."
        )
    if read_text_model(folder).format != FORMAT:
        raise ArtefactError(f"{folder} was exported for another runtime: export it again.")
    return open_folder(folder, chat=settings.chat, threads=settings.threads, device=settings.device)


def open_folder(folder: Path, *, chat: bool, threads: int, device: str) -> Generator:
    """Open a folder; no code that it may hold is run.

    Raises:
        ConfigError: There is no such device.
        ArtefactError: It is no model that Transformers can open.
        NotEnoughMemoryError: It does not fit there.
    """
    chosen = choose_device("torch", torch_devices(), device)
    if threads:
        torch.set_num_threads(threads)
    place = CPU if chosen == "cpu" else chosen
    require_memory(str(folder), _need(folder), _free(chosen), place=place)
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval().to(chosen)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # safetensors, JSON and shape errors have no common base class
        raise ArtefactError(f"Transformers cannot open {folder}: export it again.") from error
    return TransformersGenerator(model, tokenizer, chat=chat)


def _need(folder: Path) -> Need:
    """Return what the weights take; what attention remembers grows as text comes."""
    return Need(sum(path.stat().st_size for path in folder.glob("*.safetensors")))


def _free(device: str) -> dict[str, int]:
    if device == "cpu":
        return {CPU: free_memory()}
    return {device: torch.accelerator.get_memory_info(device)[0], CPU: free_memory()}


def _choice(temperature: float) -> dict[str, Any]:
    if temperature == 0:
        return {"do_sample": False}
    return {"do_sample": True, "temperature": temperature, "top_k": 0}
