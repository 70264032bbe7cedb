# Owned by the template: every update rewrites this file. What else to save: a weight of your model.
"""Checkpoints: everything that the next epoch depends on, written whole, loaded without code.

Each is a file as Keras saves a model, with its optimizer, and in it one more entry: how far the run
is, and the states of all random generators, of which Keras saves none.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RunError
from ..files import replacing
from ..keras_backend import computing_on, keras
from ..reproducibility import random_states, restore_random_states

CHECKPOINT_FILE = "checkpoint.keras"
BEST_FILE = "best.keras"  # of the best epoch, beside that of the last one
_ENTRY = "run.json"
_BYTES = "bytes"


@dataclass(frozen=True)
class Progress:
    """How many epochs and optimizer steps are done."""

    epoch: int = 0
    step: int = 0


def save_checkpoint(
    path: Path, progress: Progress, model: keras.Model, shuffling: np.random.Generator
) -> None:
    """Write the compiled model, and the state of all random generators."""
    content = {
        "backend": keras.backend.backend(),
        "progress": asdict(progress),
        "seeds": [keras.ops.convert_to_numpy(each).tolist() for each in _seeds(model)],
        "random": {**random_states(), "shuffling": shuffling.bit_generator.state},
    }
    with replacing(path) as temporary, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / path.name
        model.save(file)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(_ENTRY, json.dumps(content, default=_tensor_to_json))
        shutil.move(file, temporary)


def restore_checkpoint(path: Path, model: keras.Model, shuffling: np.random.Generator) -> Progress:
    """Put the compiled model and all random generators back to where the checkpoint was written.

    Raises:
        RunError: The checkpoint is missing, damaged, of another backend, or does not fit the code.
    """
    content = _read(path)
    backend = keras.backend.backend()
    if content["backend"] != backend:
        raise RunError(
            f"{path} was written with {content['backend']}, whose random numbers {backend} does "
            "not continue: start a new run, or give keras_backend the former answer."
        )
    _fill(path, model)
    for seed, state in zip(_seeds(model), content["seeds"], strict=True):
        seed.assign(np.array(state, dtype=seed.dtype))
    shuffling.bit_generator.state = content["random"].pop("shuffling")
    restore_random_states(content["random"])
    return Progress(**content["progress"])


def load_weights(path: Path, model: keras.Model) -> None:
    """Load the weights of a checkpoint into a model; it may be of another backend.

    Raises:
        RunError: The checkpoint is missing, damaged or does not fit the model.
    """
    _read(path)
    _fill(path, model)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RunError(f"{path} does not exist: the run finished no epoch, start a new one.")
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_ENTRY)
        content: dict[str, Any] = json.loads(text, object_hook=_tensor_from_json)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged: start a new run.") from error
    return content


def _fill(path: Path, model: keras.Model) -> None:
    try:
        model.load_weights(path)
    except Exception as error:  # h5py's and Keras's errors have no common base class
        raise RunError(
            f"{path} does not fit the code: check out the commit in the run's run.json."
        ) from error


def _seeds(model: keras.Model) -> list[Any]:
    """Return the states of the generators in layers: the variables that are no weights."""
    weights = {id(weight) for weight in model.weights}
    return [each for each in model.variables if id(each) not in weights]


def _tensor_to_json(state: Any) -> dict[str, list[int]]:
    """Return a state of torch's generators, which is a tensor of bytes."""
    return {_BYTES: keras.ops.convert_to_numpy(state).tolist()}


def _tensor_from_json(content: dict[str, Any]) -> Any:
    if content.keys() != {_BYTES}:
        return content
    with computing_on("cpu"):
        return keras.ops.convert_to_tensor(np.array(content[_BYTES], dtype=np.uint8))
