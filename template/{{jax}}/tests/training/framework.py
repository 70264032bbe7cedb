"""What the tests know of JAX: what a checkpoint holds, and how to disturb the generators."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE = "jax"
CHECKPOINT = "checkpoint.npz"
BEST = "best.npz"


def states_of(path: Path) -> dict[str, NDArray[Any]]:
    """Returns what is in a checkpoint: weights, optimiser, schedule, generators, progress."""
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def train_step(trainer: Any, batch: Any) -> tuple[float, int]:
    """Does one optimizer step with one batch; returns the mean loss and the right answers."""
    loss, right = trainer.train_step([batch])
    return float(loss), int(right)


def disturb_generators() -> None:
    """Leaves the global generators in another state."""
    random.seed(12345)
    np.random.seed(12345)
