"""What the tests know of PyTorch: what a checkpoint holds, and how to disturb its generators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

PACKAGE = "torch"
CHECKPOINT = "checkpoint.pt"
BEST = "best.pt"


def states_of(path: Path) -> dict[str, NDArray[Any]]:
    """Returns the numbers in a checkpoint: weights, optimiser, schedule, generators, progress."""
    return dict(_numbers(torch.load(path, weights_only=True), ""))


def train_step(trainer: Any, batch: Any) -> tuple[float, int]:
    """Does one optimizer step with one batch; returns the mean loss and the right answers."""
    loss, right = trainer.train_step([batch])
    return float(loss), int(right)


def disturb_generators() -> None:
    """Leaves the global generators in another state."""
    torch.manual_seed(12345)


def _numbers(value: Any, place: str) -> list[tuple[str, NDArray[Any]]]:
    if isinstance(value, dict):
        return [each for key in value for each in _numbers(value[key], f"{place}/{key}")]
    if isinstance(value, list | tuple):
        return [each for n, one in enumerate(value) for each in _numbers(one, f"{place}/{n}")]
    return [(place, np.asarray(value))]
