# Owned by the template: every update rewrites this file. Which settings there are: config.py.
"""Speed and memory of training, and learning rates: what the settings of `training` stand for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ..errors import ConfigError
from . import Arrays, Samples

LOWER_PRECISIONS = {"bf16": jnp.bfloat16}
Batch = tuple[Arrays, Arrays]
"""Named inputs and named targets."""


class Batches:
    """The samples in batches, in another order each time that they are gone through."""

    def __init__(self, samples: Samples, size: int, shuffling: np.random.Generator) -> None:
        """Take the samples, how many go into a batch, and what orders them."""
        self._samples = samples
        self._size = size
        self._shuffling = shuffling

    def __len__(self) -> int:
        """Return the number of batches; the last one may be smaller."""
        return math.ceil(len(self._samples) / self._size)

    def __iter__(self) -> Iterator[Batch]:
        """Yield named inputs and named targets."""
        order = self._shuffling.permutation(len(self._samples))
        for at in range(0, len(order), self._size):
            chosen = self._samples[order[at : at + self._size]]
            yield chosen.inputs, chosen.targets


def lowered(tree: Any, precision: str) -> Any:
    """Return the numbers of a tree in the precision that is computed in; others as they are."""
    if precision not in LOWER_PRECISIONS:
        return tree
    return _cast(tree, LOWER_PRECISIONS[precision])


def raised(tree: Any) -> Any:
    """Return the numbers of a tree in fp32, in which a loss is computed; others as they are."""
    return _cast(tree, jnp.float32)


def make_lr_schedule(
    learning_rate: float, schedule: str, warmup_steps: int, steps: int
) -> optax.Schedule:
    """Return the learning rates of all optimizer steps of a run.

    Args:
        learning_rate: The highest one.
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
        return optax.cosine_decay_schedule(learning_rate, steps)
    return partial(_rate, learning_rate, schedule, warmup_steps, steps)


def in_groups(batches: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of so many batches; the last one may be shorter."""
    group: list[Any] = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _cast(tree: Any, kind: Any) -> Any:
    return jax.tree.map(
        lambda leaf: leaf.astype(kind) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf, tree
    )


def _rate(
    learning_rate: float, schedule: str, warmup_steps: int, steps: int, step: Any
) -> jax.Array:
    """Return the learning rate of a step; the first one is 0."""
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    shares = {
        "constant": jnp.ones_like(done),
        "linear": 1 - done,
        "cosine": (1 + jnp.cos(math.pi * done)) / 2,
    }
    rising = (step + 1) / max(1, warmup_steps)
    return learning_rate * jnp.where(step < warmup_steps, rising, shares[schedule])
