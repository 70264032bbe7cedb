# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Writes ONNX."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .artifact import FLOAT32, ExportRequest, Precision
from .onnx_int8 import quantize
from .to_onnx import OPSET, translate

FORMAT = "onnx"
MODEL_FILE = "model.onnx"
FORMAT_OPTIONS: Mapping[str, Any] = {"opset": OPSET}

# In eight bits, outputs above all of the calibration are cut off: of those that go up to about 20
# here, that is less than two. The classes decide.
PRECISIONS: Mapping[str, Precision] = {
    "float32": FLOAT32,
    "int8": Precision(tolerance=0.1, relative=0.15, agreement=0.99),
}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Writes the model with a free batch size.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    if precision == "float32":
        translate(request, path)
        return
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / path.name
        translate(request, whole)
        quantize(request, whole, path)
