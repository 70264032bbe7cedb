# Owned by the template: every update rewrites this file. Which settings there are: config.py.
"""Speed and memory of training, and learning rates: what the settings of `training` stand for.

What the device or the machine cannot do is refused in one sentence before training begins.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler
from torch.utils.checkpoint import checkpoint
from torch.utils.data import BatchSampler, RandomSampler, Sampler

from ..answers import optional
from ..errors import SEVERAL_PROCESSES, ConfigError
from ..reproducibility import choose_device

LOWER_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
COMPILERS = ("g++", "clang++", "c++", "cl")

# Named inputs and named targets.
Batch = Sequence[Mapping[str, torch.Tensor]]


class Strategy:
    """One process, which trains alone; `distributed/strategies.py` has the ways of several."""

    name = "single"

    def device(self, name: str) -> torch.device:
        """Return the device that this process trains on."""
        return choose_device(name)

    def require(self, batch_size: int, precision: str) -> None:
        """Refuse settings that do not go with the strategy."""

    def share(self, batch: Sequence[int]) -> list[int]:
        """Return the places of the examples that this process takes of a batch."""
        return list(batch)

    def spread(self, model: nn.Module) -> Callable[..., Any]:
        """Return the model as it is trained."""
        return model

    def before_batch(self, *, is_last: bool) -> None:
        """Prepare for a batch, which is the last one of a step or is not."""

    def share_buffers(self) -> None:
        """Give the model the same buffers in all processes."""

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Return the mean of a number over all processes."""
        return value

    def total(self, number: int) -> int:
        """Return the sum of a number that is the same in all processes."""
        return number

    def of_first(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the first process's metrics in all of them."""
        return metrics


def make_strategy(name: str) -> Strategy:
    """Return what `training.strategy` stands for.

    Raises:
        ConfigError: It is for several processes, and the project has no code for them.
    """
    strategies = optional("training.distributed.strategies")
    if strategies:
        return strategies.make_strategy(name)  # type: ignore[no-any-return]
    if name != "single" or os.environ.get("WORLD_SIZE", "1") != "1":
        raise ConfigError(SEVERAL_PROCESSES)
    return Strategy()


class Order(Sampler[list[int]]):
    """The places of the examples of each batch.

    Attributes:
        start: The generator of the sampler as it was before this epoch.
    """

    def __init__(self, sampler: RandomSampler, batch_size: int, strategy: Strategy) -> None:
        """Take the sampler, whose generator must be its own.

        Args:
            sampler: The order of the examples.
            batch_size: How many the processes take at once, all together.
            strategy: What says which of them this process takes.
        """
        self._batches = BatchSampler(sampler, batch_size, drop_last=False)
        self._generator: torch.Generator = sampler.generator
        self._strategy = strategy
        self.start = torch.Generator()
        self.begin(0)

    def begin(self, done: int) -> None:
        """Begin an epoch.

        Args:
            done: Its first batches, which were trained before a checkpoint and are left out.
        """
        self._done = done
        self.start.set_state(self._generator.get_state())

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the places of this process's examples of each batch."""
        for batch in islice(self._batches, self._done, None):
            yield self._strategy.share(batch)


def require_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that the device does not compute in.

    Raises:
        ConfigError: The device has no bf16, or it is a CPU and cannot scale gradients of fp16.
    """
    if precision == "fp16" and device.type == "cpu":
        raise ConfigError("training.precision is fp16, which a CPU does not train in: take bf16.")
    if precision == "bf16" and not _has_bf16(device):
        raise ConfigError(f"training.precision is bf16, which {device} has not: take fp16.")


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which operators compute in the precision, as far as that is safe."""
    if precision not in LOWER_PRECISIONS:
        return nullcontext()
    return torch.autocast(device.type, LOWER_PRECISIONS[precision])


def make_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """Return what keeps small gradients of fp16 from becoming zero; in others it does nothing."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")


def compiled(model: Callable[..., Any]) -> Callable[..., Any]:
    """Return the model as one program, which is written and compiled as it is first called.

    Weights are shared: save those of `model` itself, whose names are the plain ones.

    Raises:
        ConfigError: There is no C++ compiler, or torch.compile does not work with this Python.
    """
    names = [os.environ["CXX"]] if os.environ.get("CXX") else COMPILERS
    if not any(shutil.which(name) for name in names):
        raise ConfigError(
            f"training.compile needs a C++ compiler, and there is no {' or '.join(names)}: install "
            "one (Debian and Ubuntu: apt-get install g++), or set it to false."
        )
    try:
        program: Callable[..., Any] = torch.compile(model)
    except RuntimeError as error:
        raise ConfigError(
            f"training.compile does not work here ({error}): set it to false."
        ) from error
    return program


def checkpoint_activations(model: nn.Module, *, is_compiled: bool = False) -> None:
    """Let each block of the model keep its inputs alone, and compute the rest again.

    A block is a module that the model has as an attribute, or in a list or dict of modules there.

    Args:
        model: Its blocks are changed.
        is_compiled: Whether torch.compile makes the program, which moves buffers once by itself.
    """
    for block in blocks(model):
        again = partial(checkpoint, block.forward, use_reentrant=False)
        if not is_compiled:
            again = partial(again, context_fn=partial(_contexts, block))
        block.forward = again


def make_lr_scheduler(
    optimizer: torch.optim.Optimizer, schedule: str, warmup_steps: int, steps: int
) -> LRScheduler:
    """Return the learning rates of all optimizer steps of a run.

    Args:
        optimizer: Its learning rate is the highest one.
        schedule: cosine, linear or constant.
        warmup_steps: Steps over which the learning rate rises to the highest.
        steps: All steps of the run.

    Raises:
        ConfigError: The warm-up is longer than the run.
    """
    if warmup_steps > steps:
        raise ConfigError(
            f"training.warmup_steps is {warmup_steps}, and the run has {steps} optimizer steps: "
            "set it lower."
        )
    if schedule == "cosine" and not warmup_steps:
        return CosineAnnealingLR(optimizer, steps)
    return LambdaLR(optimizer, partial(_share, schedule, warmup_steps, steps))


def in_groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """Yield lists of so many batches; the last one may be shorter."""
    group: list[Batch] = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def size_of(batch: Batch) -> int:
    """Return the number of examples in a batch."""
    return len(next(iter(batch[0].values())))


def moved(batch: Batch, device: torch.device) -> Batch:
    """Return a batch with all its tensors on a device."""
    return [{name: each.to(device) for name, each in part.items()} for part in batch]


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.amp.is_autocast_available(device.type)


def _share(schedule: str, warmup_steps: int, steps: int, step: int) -> float:
    """Return the share of the highest learning rate that a step has; the first one is 0."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    shares = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}
    return shares[schedule]


def blocks(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules that a model has as attributes, or in lists or dicts of modules there."""
    for child in model.children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from blocks(child)
        else:
            yield child


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return nullcontext(), _kept_buffers(block)


@contextmanager
def _kept_buffers(block: nn.Module) -> Iterator[None]:
    """Put buffers back, such as a batch norm's means, which the second pass would move again."""
    before = [buffer.detach().clone() for buffer in block.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(block.buffers(), before, strict=True):
                buffer.copy_(value)
