"""What the tests know of Keras: what a checkpoint holds, and how to disturb the generators."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

PACKAGE = "keras"
CHECKPOINT = "checkpoint.keras"
BEST = "best.keras"


def states_of(path: Path) -> dict[str, NDArray[Any]]:
    """Returns what is in a checkpoint: weights, optimiser, schedule, generators, progress."""
    found: dict[str, NDArray[Any]] = {}

    def collect(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            found[name] = np.asarray(entry)

    with zipfile.ZipFile(path) as archive:
        with archive.open("model.weights.h5") as file, h5py.File(file) as weights:
            weights.visititems(collect)
        text = archive.read("run.json")
    assert any("optimizer" in name for name in found)
    return {**found, "run": np.asarray(json.dumps(json.loads(text), sort_keys=True))}


def train_step(trainer: Any, group: Any) -> tuple[float, int]:
    """Does one optimizer step; returns the mean loss and the right answers."""
    result: tuple[float, int] = trainer.train_step(group)
    return result


def disturb_generators() -> None:
    """Leaves the global generators in another state."""
    random.seed(12345)
    np.random.seed(12345)
