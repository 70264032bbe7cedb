# Owned by the template: every update rewrites this file. What else to save: pass it in `parts`.
"""Checkpoints: everything that the next epoch depends on, written whole, loaded without code."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import trees
from ..errors import RunError
from ..files import write_arrays
from ..reproducibility import random_states, restore_random_states

CHECKPOINT_FILE = "checkpoint.npz"
BEST_FILE = "best.npz"  # of the best epoch, beside that of the last one
WEIGHTS = "weights"
_RANDOM = "random"


@dataclass(frozen=True)
class Progress:
    """How many epochs and optimizer steps are done."""

    epoch: int = 0
    step: int = 0


def save_checkpoint(
    path: Path, progress: Progress, parts: Mapping[str, Any], shuffling: np.random.Generator
) -> None:
    """Write the trees of arrays in `parts`, and the state of all random generators."""
    states = {**random_states(), "shuffling": shuffling.bit_generator.state}
    arrays: dict[str, NDArray[Any]] = {
        "epoch": np.asarray(progress.epoch),
        "step": np.asarray(progress.step),
        _RANDOM: np.asarray(json.dumps(states)),
    }
    for name, tree in parts.items():
        arrays |= trees.flatten(tree, name)
    write_arrays(path, arrays)


def restore_checkpoint(
    path: Path, parts: Mapping[str, Any], shuffling: np.random.Generator
) -> tuple[Progress, dict[str, Any]]:
    """Return the saved trees, and put all random generators back to where they were.

    Args:
        path: The file.
        parts: Trees of the same structure, as a new run has them.
        shuffling: The generator that orders the samples.

    Raises:
        RunError: The checkpoint is missing, damaged or does not fit the code.
    """
    arrays = _load(path)
    restored = {name: _fill(path, arrays, name, tree) for name, tree in parts.items()}
    states = json.loads(str(arrays[_RANDOM]))
    restore_random_states(states)
    shuffling.bit_generator.state = states["shuffling"]
    return _progress(arrays), restored


def load_weights(path: Path, weights: Any) -> Any:
    """Return the weights of a checkpoint; `weights` is a tree of the model's shapes.

    Raises:
        RunError: The checkpoint is missing, damaged or does not fit the model.
    """
    return _fill(path, _load(path), WEIGHTS, weights)


def _load(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise RunError(f"{path} does not exist: the run finished no epoch, start a new one.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged: start a new run.") from error


def _fill(path: Path, arrays: Mapping[str, NDArray[Any]], name: str, tree: Any) -> Any:
    try:
        return trees.fill(tree, name, arrays)
    except (KeyError, ValueError) as error:
        raise RunError(
            f"{path} does not fit the code: check out the commit in the run's run.json."
        ) from error


def _progress(arrays: Mapping[str, NDArray[Any]]) -> Progress:
    return Progress(int(arrays["epoch"]), int(arrays["step"]))
