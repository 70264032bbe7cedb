# Owned by the template: every update rewrites this file. New models: model.py.
"""Open models that are there already: of a run, in a folder, or on the Hugging Face hub."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from ...config import Config
from .. import hub
from ..errors import RunError
from ..tracking import Run
from ..tracking.store import CONFIG_FILE, EXPERIMENTS, RUN_FILE, find_run
from .deepspeed import name_device

logging.set_verbosity_error()
logging.disable_progress_bar()
hub.keep_offline()


@dataclass(frozen=True)
class Opened:
    """A model in evaluation mode on the CPU, and its tokenizer."""

    model: Any
    tokenizer: Any


@dataclass(frozen=True)
class Kind:
    """Which models are opened.

    Attributes:
        auto: The class of Transformers that opens them.
        name: What they are called in errors.
        head: What a base is opened with so that it gets the head that a task needs, such as
            `num_labels`; of a head that is new, the weights are the same each time.
    """

    auto: Any = AutoModelForCausalLM
    name: str = "language model"
    head: Mapping[str, Any] = field(default_factory=dict)


LANGUAGE_MODEL = Kind()


def open_base(name: str, kind: Kind = LANGUAGE_MODEL) -> Opened:
    """Open what `model.base` names; of a run its best epoch.

    Args:
        name: A run, a folder, or the name of a model on the hub.
        kind: Which model it is.

    Raises:
        RunError: There is no such run, folder or model.
    """
    path = Path(name)
    if path.parent == EXPERIMENTS or (path / RUN_FILE).is_file():
        return open_run(find_run(path.name), kind=kind)
    if path.is_dir():
        return _open(path, kind, kind.head)
    if path.is_absolute() or name.startswith(".") or name.count("/") > 1:
        raise RunError(f"model.base names {name}, which is no folder.")
    with hub.reachable():
        return _open(name, kind, kind.head)


def open_run(run: Run, *, last: bool = False, kind: Kind = LANGUAGE_MODEL) -> Opened:
    """Open what a run trained; adapters are merged into the model that they were trained for.

    Args:
        run: The run.
        last: Whether to take the last epoch, not the best one.
        kind: Which model it is.

    Raises:
        RunError: The checkpoint is missing or damaged, or its base is another one now.
    """
    config = Config.from_file(run.folder / CONFIG_FILE)
    checkpoint = checkpoint_of(run, best=not last)
    if config.training.method == "full":
        return _open(checkpoint, kind)
    base = open_base(config.model.base, kind)
    check_base(run, base)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what peft itself calls
            adapted = PeftModel.from_pretrained(base.model, checkpoint).merge_and_unload()
    except Exception as error:  # safetensors, JSON and shape errors have no common base class
        raise _damaged(checkpoint, kind) from error
    return Opened(adapted.eval(), base.tokenizer)


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model and its tokenizer as Transformers reads them."""
    name_device(model.device)  # Accelerate imports DeepSpeed to look at the model
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def checkpoint_of(run: Run, *, best: bool = False) -> Path:
    """Return the folder of a run's last checkpoint.

    Args:
        run: The run.
        best: Whether to take the best epoch's, if the run has kept one.

    Raises:
        RunError: There is none.
    """
    kept = run.facts.get("best") if best else None
    saved = kept["checkpoint"] if kept else run.facts["checkpoint"]
    if saved is None or not Path(saved).is_dir():
        raise RunError(f"Run {run.id} has no checkpoint: it finished no epoch, start a new one.")
    return Path(saved)


def check_base(run: Run, base: Opened) -> None:
    """Check that a run's base still has the weights that it had.

    Raises:
        RunError: It has others.
    """
    if weights_sha256(base.model) != run.facts["base_sha256"]:
        raise RunError(f"The base of run {run.id} is another one now: restore it.")


def weights_sha256(model: torch.nn.Module) -> str:
    """Return the SHA-256 of all weights, in the order of the model."""
    digest = hashlib.sha256()
    for weight in model.state_dict().values():
        digest.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _open(source: Path | str, kind: Kind, head: Mapping[str, Any] | None = None) -> Opened:
    try:
        with _same_new_weights() if head else nullcontext():
            model = kind.auto.from_pretrained(source, dtype=torch.float32, **(head or {}))
        tokenizer = AutoTokenizer.from_pretrained(source)
    except Exception as error:  # missing, damaged and unknown models have no common base class
        raise _damaged(source, kind) from error
    if kind.head:
        _let_pad(model, tokenizer, source)
        model.config.use_cache = False  # what GPT-2 and others return besides for the next token
    return Opened(model.eval(), tokenizer)


def _let_pad(model: Any, tokenizer: Any, source: Path | str) -> None:
    """Let the token of the end pad texts of unequal length, where a model such as GPT-2 has none.

    Raises:
        RunError: It has no token of the end either.
    """
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise RunError(f"The tokenizer of {source} needs a pad_token or an eos_token.")
        tokenizer.pad_token = tokenizer.eos_token
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id


@contextmanager
def _same_new_weights() -> Iterator[None]:
    """Draw the same random weights each time, and leave the generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def _damaged(source: Path | str, kind: Kind) -> RunError:
    return RunError(f"{source} cannot be opened: it is missing, damaged or no {kind.name}.")
