# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter that runs the model in JAX itself, on the CPU; needs jax and NumPy.

From the code that you own it calls `models.build_model(options)`.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ...model import build_model
from .. import trees
from ..devices import CPU, choose_device
from ..errors import ArtefactError
from .metadata import Arrays, Metadata
from .predictor import Predictor, outputs_of


class NativePredictor(Predictor):
    """Runs a function of JAX."""

    def __init__(self, model: Any, weights: Any, metadata: Metadata) -> None:
        """Take what `models.build_model` returns, and its weights."""
        super().__init__(metadata)
        self._apply = jax.jit(model.apply)
        self._weights = weights

    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        outputs = outputs_of(partial(self._apply, self._weights), inputs).values()
        names = [spec.name for spec in self.metadata.outputs]
        return {name: np.asarray(each) for name, each in zip(names, outputs, strict=True)}


def open_model(folder: Path, metadata: Metadata, device: str | None = None) -> Predictor:
    """Build the model and load its weights; the file cannot run code.

    Raises:
        ConfigError: There is no such device.
        ArtefactError: The file is damaged or belongs to another model.
    """
    choose_device("jax", [CPU], device)
    path = folder / metadata.model_file
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        model = build_model(json.loads(str(arrays["options"])))
        shapes = jax.eval_shape(model.init, jax.random.key(0))
        weights = trees.fill(shapes, "weights", arrays)
    except Exception as error:  # zip, JSON and shape errors have no common base class
        raise ArtefactError(f"{path} does not fit the model's code: export it again.") from error
    return NativePredictor(model, weights, metadata)
