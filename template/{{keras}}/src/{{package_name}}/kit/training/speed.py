# Owned by the template: every update rewrites this file. Which settings there are: config.py.
"""Speed and memory of training, and learning rates: what the settings of `training` stand for.

What the device or the backend cannot do is refused in one sentence before training begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import numpy as np

from ..errors import ConfigError
from ..keras_backend import keras
from . import Arrays, Samples

POLICIES = {"fp32": "float32", "bf16": "mixed_bfloat16", "fp16": "mixed_float16"}
Batch = tuple[Arrays, Arrays]
"""Named inputs and named targets."""


class Batches:
    """The samples in groups of batches, in another order each time that they are gone through.

    Keras changes the weights after so many batches. So each group has as many, of about equal size:
    at the end of an epoch they are smaller, and fewer samples than batches are left out.
    """

    def __init__(
        self, samples: Samples, size: int, in_group: int, shuffling: np.random.Generator
    ) -> None:
        """Take the samples, how many go into a batch, batches in a group, and what orders them."""
        self._samples = samples
        self._size = size
        self._in_group = in_group
        self._shuffling = shuffling

    def __len__(self) -> int:
        """Return the number of groups."""
        whole, rest = divmod(len(self._samples), self._size * self._in_group)
        return whole + (rest >= self._in_group)

    def __iter__(self) -> Iterator[list[Batch]]:
        """Yield lists of named inputs and named targets."""
        order = self._shuffling.permutation(len(self._samples))
        step = self._size * self._in_group
        for at in range(0, len(self) * step, step):
            parts = np.array_split(order[at : at + step], self._in_group)
            chosen = [self._samples[part] for part in parts]
            yield [(each.inputs, each.targets) for each in chosen]


def require_precision(precision: str, device: Any) -> None:
    """Refuse a precision that the device does not train in.

    Args:
        precision: fp32, bf16 or fp16.
        device: A device of torch or JAX.

    Raises:
        ConfigError: The precision is fp16 and the device a CPU.
    """
    kind = getattr(device, "platform", None) or device.type
    if precision == "fp16" and kind == "cpu":
        raise ConfigError("training.precision is fp16, which a CPU does not train in: take bf16.")


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let the layers that are made in this context compute in the precision, as far as is safe."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def raised(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return named tensors in fp32, in which a loss is computed; whole numbers as they are."""
    return {
        name: keras.ops.cast(each, "float32") if keras.backend.is_float_dtype(each.dtype) else each
        for name, each in tensors.items()
    }


def checkpointing(is_on: bool) -> AbstractContextManager[Any]:
    """Return a context whose layers keep their inputs alone, and compute the rest again.

    Raises:
        ConfigError: Keras computes with JAX, where it fails at that.
    """
    if not is_on:
        return nullcontext()
    if keras.backend.backend() == "jax":
        raise ConfigError(
            "training.checkpoint_activations does not work where Keras computes with JAX: set it "
            "to false."
        )
    return cast(AbstractContextManager[Any], keras.RematScope(mode="full"))


def make_lr_schedule(
    learning_rate: float, schedule: str, warmup_steps: int, steps: int, accumulation_steps: int
) -> Any:
    """Return the learning rates of all optimizer steps of a run.

    Args:
        learning_rate: The highest one.
        schedule: cosine, linear or constant.
        warmup_steps: Steps over which the learning rate rises to the highest.
        steps: All steps of the run.
        accumulation_steps: Batches in a step, which Keras counts.

    Raises:
        ConfigError: The warm-up is longer than the run.
    """
    if warmup_steps > steps:
        raise ConfigError(
            f"training.warmup_steps is {warmup_steps}, and the run has {steps} optimizer steps: "
            "set it lower."
        )
    if schedule == "cosine" and not warmup_steps and accumulation_steps == 1:
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    return WarmUpThenFall(learning_rate, schedule, warmup_steps, steps, accumulation_steps)


@keras.saving.register_keras_serializable("kit")
class WarmUpThenFall(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rates that rise to the highest one, and then fall or stay."""

    def __init__(
        self,
        learning_rate: float,
        schedule: str,
        warmup_steps: int,
        steps: int,
        accumulation_steps: int,
    ) -> None:
        """Take what `make_lr_schedule` takes."""
        super().__init__()
        self._config: dict[str, Any] = {
            "learning_rate": learning_rate,
            "schedule": schedule,
            "warmup_steps": warmup_steps,
            "steps": steps,
            "accumulation_steps": accumulation_steps,
        }

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, which has so many batches; the first one is 0."""
        warmup_steps, steps = self._config["warmup_steps"], self._config["steps"]
        step = keras.ops.floor_divide(step, self._config["accumulation_steps"])
        step = keras.ops.cast(step, "float32")
        done = (step - warmup_steps) / max(1, steps - warmup_steps)
        shares = {
            "constant": keras.ops.ones_like(done),
            "linear": 1 - done,
            "cosine": (1 + keras.ops.cos(math.pi * done)) / 2,
        }
        rising = (step + 1) / max(1, warmup_steps)
        share = keras.ops.where(step < warmup_steps, rising, shares[self._config["schedule"]])
        return self._config["learning_rate"] * share

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same again."""
        return dict(self._config)
