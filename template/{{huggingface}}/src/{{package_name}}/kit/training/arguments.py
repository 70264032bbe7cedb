# Owned by the template: every update rewrites this file. What is passed: `training.arguments`.
"""What Transformers' Trainer is told: the project's own arguments and `training.arguments`.

`TrainingArguments` checks the values itself. What it, or the Trainer, refuses is one sentence here.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import shutil
import sys
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from transformers import TrainingArguments

from ..answers import optional
from ..errors import SEVERAL_PROCESSES, ConfigError

SETTING = "training.arguments"

RECORDED: Mapping[str, Any] = {
    "logging_steps": 1,
    "logging_nan_inf_filter": False,
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "metric_for_best_model": "eval_loss",
    "greater_is_better": False,
    "prediction_loss_only": True,
    "disable_tqdm": True,
    "report_to": [],
}
"""What recording, resuming and keeping the best epoch need."""

# Why each of these is not free, and what is set in its place. A * stands for any ending.
_TAKEN = {
    "seed data_seed full_determinism": "set `seed`",
    "num_train_epochs max_steps": "set `training.epochs`",
    "per_device_* auto_find_batch_size": "set `training.batch_size`",
    "learning_rate": "set `training.learning_rate`",
    "weight_decay": "set `training.weight_decay`",
    "use_cpu local_rank": "set `training.device`",
    "deepspeed": "set `training.deepspeed`",
    "output_dir run_name": "a run's folder is in experiments/; name it by `train --name`",
    "resume_from_checkpoint ignore_data_skip restore_*": "run `train --resume`",
    "save_* load_best_* metric_for_best_model greater_is_better enable_jit_checkpoint":
        "the last and the best epoch are kept; see also `training.early_stopping`",
    "do_* eval_strategy eval_steps eval_delay eval_on_start prediction_loss_only label_names":
        "every epoch is validated; see also `data.val_fraction`",
    "logging_* log_* disable_tqdm report_to project trackio_*":
        "every step is recorded in the run's metrics.jsonl",
    "push_to_hub hub_*": "nothing is uploaded; `export` writes the model",
}  # fmt: skip

_COMPILERS = ["cl"] if sys.platform == "win32" else ["g++", "clang++"]


def make_arguments(
    values: Mapping[str, Any], *, strategy: str = "single", **own: Any
) -> TrainingArguments:
    """Return what the Trainer is told.

    Args:
        values: `training.arguments`.
        strategy: `training.strategy`, how several processes train.
        own: What the project sets by settings of its own.

    Raises:
        ConfigError: A name is unknown or taken, or a value is refused.
    """
    check_names(values)
    own = _shared_out(own, strategy)
    checked = {name: _typed(name, value) for name, value in values.items()}
    # Memory is pinned for CUDA alone, unless asked for: elsewhere torch warns.
    # What no batch uses is looked for in each step, unless the Trainer is told not to.
    defaults = {
        "dataloader_pin_memory": torch.cuda.is_available(),
        "ddp_find_unused_parameters": False,
    }
    with refusals():
        arguments = TrainingArguments(**{**defaults, **checked, **RECORDED, **own})
    _check_device(arguments)
    return arguments


def check_names(values: Mapping[str, Any]) -> None:
    """Check that all names are free arguments of `TrainingArguments`.

    Raises:
        ConfigError: A name is unknown, or the project sets it.
    """
    known = {field.name for field in dataclasses.fields(TrainingArguments) if field.init}
    for name in values:
        if name not in known:
            free = [each for each in known if _taken(each) is None]
            close = difflib.get_close_matches(name, sorted(free), n=1)
            hint = f"did you mean {SETTING}.{close[0]}?" if close else "see its documentation."
            raise ConfigError(f"TrainingArguments has no {SETTING}.{name}; {hint}")
        instead = _taken(name)
        if instead is not None:
            raise ConfigError(f"{SETTING}.{name} is set by the project: {instead}.")


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what `TrainingArguments` or the Trainer refuses into one sentence.

    Raises:
        ConfigError: They refused something.
    """
    try:
        yield
    except (ValueError, TypeError, ImportError) as error:
        raise ConfigError(f"{SETTING}: {_sentence(error)}") from error


def _shared_out(own: dict[str, Any], strategy: str) -> dict[str, Any]:
    trainer = optional("training.distributed.trainer")
    if trainer:
        return trainer.shared_out(own, strategy)  # type: ignore[no-any-return]
    if strategy != "single" or os.environ.get("WORLD_SIZE", "1") != "1":
        raise ConfigError(SEVERAL_PROCESSES)
    return own


def _taken(name: str) -> str | None:
    """Return what is set in place of an argument; nothing for one that is free."""
    for names, instead in _TAKEN.items():
        for each in names.split():
            if name == each or (each.endswith("*") and name.startswith(each[:-1])):
                return instead
    return None


def _typed(name: str, value: Any) -> Any:
    """Return a value in the type of its argument, which `TrainingArguments` does not check."""
    kind = typing.get_type_hints(TrainingArguments)[name]
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ConfigError(f"{SETTING}.{name}: {reason} (got {value!r}).") from error


def _check_device(arguments: TrainingArguments) -> None:
    """Check what the libraries find out only in the midst of training."""
    on_cpu = arguments.device.type == "cpu"
    if arguments.gradient_accumulation_steps < 1:
        raise ConfigError(f"{SETTING}.gradient_accumulation_steps must be at least 1.")
    if arguments.fp16 and on_cpu:
        raise ConfigError(f"{SETTING}.fp16 needs a GPU: take bf16, or another training.device.")
    if arguments.use_liger_kernel and find_spec("liger_kernel") is None:
        raise ConfigError(f"{SETTING}.use_liger_kernel needs liger-kernel, which is not installed.")
    if arguments.torch_compile:
        backend = arguments.torch_compile_backend or "inductor"
        _check_compiler(backend, arguments.torch_compile_mode, on_cpu)


def _check_compiler(backend: str, mode: str | None, on_cpu: bool) -> None:
    compilers = [os.environ["CXX"]] if "CXX" in os.environ else _COMPILERS
    if backend == "inductor" and on_cpu and not any(map(shutil.which, compilers)):
        raise ConfigError(
            f"{SETTING}.torch_compile needs a C++ compiler, and {' or '.join(compilers)} is not "
            "found: install one, or leave the setting out."
        )
    try:
        torch.compile(torch.nn.Identity(), backend=backend, mode=mode)  # compiles nothing yet
    except RuntimeError as error:
        raise ConfigError(f"{SETTING}.torch_compile: {_sentence(error)}") from error


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
