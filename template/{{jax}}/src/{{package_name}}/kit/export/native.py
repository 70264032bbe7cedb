# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes the weights as plain NumPy arrays, without code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import trees
from ..files import write_arrays
from .artifact import FLOAT32, ExportRequest, Precision

FORMAT = "jax"
MODEL_FILE = "model.npz"
FORMAT_OPTIONS: Mapping[str, Any] = {}

# Batches of another size may be summed in another order.
PRECISIONS: Mapping[str, Precision] = {"float32": FLOAT32}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write the options of `models.build_model` and the weights."""
    weights = trees.flatten(request.model.weights, "weights")
    write_arrays(path, {"options": np.asarray(json.dumps(dict(request.options))), **weights})
