# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes the weights in Keras's own format, without code, and beside them what built the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import write_json
from ..inference.native_backend import OPTIONS_FILE
from .artifact import FLOAT32, ExportRequest, Precision

FORMAT = "keras"
MODEL_FILE = "model.weights.h5"
FORMAT_OPTIONS: Mapping[str, Any] = {}

# Batches of another size may be summed in another order.
PRECISIONS: Mapping[str, Precision] = {"float32": FLOAT32}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write the weights, and the options of `models.build_model`."""
    request.model.save_weights(path)
    write_json(path.with_name(OPTIONS_FILE), dict(request.options))
