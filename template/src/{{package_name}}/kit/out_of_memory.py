# Owned by the template: every update rewrites this file. The settings that it advises: config.py.
"""Out of memory in training: recognize the error of every framework, and advise what would fit.

No framework is imported: errors are told by the names of their classes and by their texts.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from .answers import load_answers, optional
from .errors import OutOfMemoryError, reason_of

_JAX_ERRORS = {"XlaRuntimeError", "JaxRuntimeError"}
_RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
_TEXTS = (  # of a plain RuntimeError
    "DefaultCPUAllocator:",  # PyTorch on the CPU
    "MPS backend out of memory",
    "out of memory. Tried to allocate",  # CUDA, HIP and XPU, as Keras words it anew
    _RESOURCE_EXHAUSTED,  # JAX, likewise
    "CUBLAS_STATUS_ALLOC_FAILED",
    "std::bad_alloc",
)
_SIZE = r"(\d[\d.]*) ?(bytes|[KMGT]i?B)"
_REQUESTED = re.compile(rf"alloc\w* {_SIZE}", re.IGNORECASE)
_UNALLOCATED = re.compile(rf"{_SIZE} is reserved by PyTorch but unallocated")
_ALLOCATOR = re.compile(r"PYTORCH\w*_ALLOC_CONF")
_EXPANDABLE = "expandable_segments:True"
_CHECKPOINTING = ("activation_checkpointing", "gradient_checkpointing")  # its name, and the former
_NEEDS_QUOTES = set('"$`\\#')  # inside make's ARGS="..."


@dataclass(frozen=True)
class Way:
    """One way to need less memory.

    Attributes:
        about: What it does, and what else it changes.
        command: The command line that takes it.
    """

    about: str
    command: str


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error, or what caused it, is that memory could not be had."""
    if error.__cause__ is not None and is_out_of_memory(error.__cause__):
        return True
    classes = type(error).__mro__
    torchs = (each for each in classes if each.__module__.partition(".")[0] == "torch")
    if isinstance(error, MemoryError) or "OutOfMemoryError" in {each.__name__ for each in torchs}:
        return True
    if _JAX_ERRORS & {each.__name__ for each in classes}:
        return _RESOURCE_EXHAUSTED in str(error)
    # Errors of a kind of their own, such as torch.AcceleratorError, mean something else.
    return type(error) is RuntimeError and any(text in str(error) for text in _TEXTS)


@contextmanager
def advised() -> Iterator[None]:
    """Turn an out-of-memory error from before the first step into a sentence.

    Errors of the training itself carry advice already: the record of the run gives it.

    Raises:
        OutOfMemoryError: the model or its data did not fit.
    """
    try:
        yield
        return
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        release(error)
        text = f"{_what(error, None)} That was before the first step: take a smaller model or less "
    raise OutOfMemoryError(f"{text}data, or a machine with more memory.")


def release(error: BaseException) -> None:
    """Free what the functions of a traceback still hold, such as the tensors of a step."""
    traceback.clear_frames(error.__traceback__)


def explain(error: BaseException, ways: Sequence[Way], device: str | None) -> OutOfMemoryError:
    """Return the error for people: what did not fit, and the ways to need less."""
    if not ways:
        return OutOfMemoryError(
            f"{_what(error, device)} Take a smaller model, or a machine with more memory."
        )
    lines = [f"{_what(error, device)} These need less, alone or together:"]
    for way in ways:
        lines += [f"  {way.about}:", f"    {way.command}"]
    return OutOfMemoryError("\n".join(lines))


def find_ways(error: BaseException, config_file: Path) -> list[Way]:
    """Return the ways to need less that this project's configuration has, in the order to try.

    Args:
        error: The error of the framework.
        config_file: The resolved configuration of the run.
    """
    values = _read(config_file)
    ways = [
        Way(about, command_line(changes, config_file))
        for about, changes in _proposals(values)
        if _is_accepted(values, changes)
    ]
    if _is_fragmented(error):
        name = (_ALLOCATOR.findall(str(error)) or ["PYTORCH_ALLOC_CONF"])[0]
        about = "memory that is reserved and cannot be used, in one piece (the same results)"
        ways.append(Way(about, f"{name}={_EXPANDABLE} {command_line({}, config_file)}"))
    return ways


def to_json(ways: Sequence[Way]) -> list[dict[str, str]]:
    """Return the ways as plain values."""
    return [asdict(way) for way in ways]


def command_line(changes: Mapping[str, Any], config_file: Path) -> str:
    """Return the command that trains as this one, with other values of some settings.

    Args:
        changes: New values by the names of the settings, such as `training.batch_size`.
        config_file: The resolved configuration, for a command that cannot be repeated as it was.
    """
    typed = sys.argv[2:] if sys.argv[1:2] == ["train"] else None
    if typed is None or not _is_repeatable(typed):
        typed = ["--config", config_file.as_posix()]
    arguments = list(_without(typed, changes))
    for name, value in changes.items():
        arguments += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    text = shlex.join(arguments)
    if Path("keep.py").is_file() and not _NEEDS_QUOTES & set(text):
        return f'make train ARGS="{text}"' if text else "make train"
    start = ["keep.py"] if Path("keep.py").is_file() else ["-m", __name__.partition(".")[0]]
    return shlex.join(["python", *start, "train", *arguments])


def _what(error: BaseException, device: str | None) -> str:
    """Return what did not fit, in one sentence."""
    place = f" on {device}" if device else ""
    found = _REQUESTED.search(str(error))
    if found is None:
        return f"Out of memory{place}: {reason_of(error).removesuffix('.')}."
    return f"Out of memory{place}: {_readable(*found.groups())} more did not fit."


def _proposals(values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what may help and the settings that do it; which of them exist is asked later."""
    training = values.get("training") or {}
    yield from _smaller_batch(training)
    slower = "activations computed twice instead of kept (slower, the same but for rounding)"
    half = "bf16, half the memory for activations (other bits; slow on most CPUs)"
    trainer = training.get("arguments")  # of Transformers
    if training.get("checkpoint_activations") is False and not _is_keras_on_jax():
        yield slower, {"training.checkpoint_activations": True}
    elif isinstance(trainer, Mapping) and not any(map(trainer.get, _CHECKPOINTING)):
        yield slower, {f"training.arguments.{_CHECKPOINTING[0]}": True}
    if training.get("precision") not in (None, "bf16", "fp16"):
        yield half, {"training.precision": "bf16"}
    elif isinstance(trainer, Mapping) and not (trainer.get("bf16") or trainer.get("fp16")):
        yield half, {"training.arguments.bf16": True}
    several = optional("training.distributed")
    if several and several.is_started() and training.get("strategy") in ("single", "ddp"):
        yield "a part of the model in each process (the same bits)", {"training.strategy": "fsdp"}
    if training.get("method") == "full":
        yield "LoRA, which trains small matrices only (another model)", {"training.method": "lora"}


def _is_keras_on_jax() -> bool:
    """Tell whether training refuses to compute activations twice, as Keras fails at it."""
    return load_answers().keras_backend == "jax"


def _smaller_batch(training: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    size = training.get("batch_size")
    if not isinstance(size, int) or size < 2:
        return
    part = next(each for each in range(size // 2, 0, -1) if size % each == 0)
    times = size // part
    about = f"{part} at a time and {times} times as many for a step (the same batch, other bits)"
    trainer = training.get("arguments")
    if "accumulation_steps" in training:
        steps = training["accumulation_steps"] * times
        yield about, {"training.batch_size": part, "training.accumulation_steps": steps}
    elif isinstance(trainer, Mapping):
        name = "gradient_accumulation_steps"
        steps = int(trainer.get(name) or 1) * times
        yield about, {"training.batch_size": part, f"training.arguments.{name}": steps}
    else:
        about = f"{size // 2} at a time (smaller steps: it learns otherwise)"
        yield about, {"training.batch_size": size // 2}


def _is_accepted(values: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Tell whether the configuration has these settings and takes the new values."""
    changed = json.loads(json.dumps(values))
    for name, value in changes.items():
        *sections, key = name.split(".")
        place = changed
        for section in sections:
            place = place[section]
        place[key] = value
    try:
        from ..config import Config

        Config(**changed)
    except (ImportError, TypeError, ValueError):  # pydantic's errors are ValueErrors
        return False
    return True


def _is_fragmented(error: BaseException) -> bool:
    """Tell whether PyTorch has reserved what it was asked for, only not in one piece."""
    requested = _REQUESTED.search(str(error))
    unallocated = _UNALLOCATED.search(str(error))
    is_set = any(_EXPANDABLE in os.environ.get(f"PYTORCH{each}_ALLOC_CONF", "")
                 for each in ("", "_CUDA", "_HIP"))  # fmt: skip
    if requested is None or unallocated is None or is_set:
        return False
    return _bytes(*unallocated.groups()) >= _bytes(*requested.groups())


def _is_repeatable(arguments: Sequence[str]) -> bool:
    """Tell whether a command line of `train` can be typed again, with more settings behind it."""
    several = {"-m", "--multirun"} & set(arguments)  # of which this run is one
    files = [Path(value) for name, value in pairwise(arguments) if name == "--config"]
    return not several and "--resume" not in arguments and all(file.is_file() for file in files)


def _without(arguments: Sequence[str], changes: Mapping[str, Any]) -> Iterator[str]:
    """Yield the arguments but those that set what is changed."""
    names = [f"--{name}" for name in changes]
    rest = iter(arguments)
    for argument in rest:
        if argument in names:
            next(rest, None)
        elif not argument.startswith(tuple(f"{name}=" for name in names)):
            yield argument


def _read(config_file: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return values if isinstance(values, dict) else {}


def _bytes(number: str, unit: str) -> float:
    power = 0 if unit == "bytes" else "KMGT".index(unit[0].upper()) + 1
    return float(number) * float(1024 if "i" in unit else 1000) ** power


def _readable(number: str, unit: str) -> str:
    """Return a size as people read it."""
    if unit != "bytes":
        return f"{number} {unit}"
    count = float(number)
    return f"{count / 1e9:.3g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"
