# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Lets OpenVINO read the model by way of ONNX; its own reader of the framework lacks parts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from .artifact import ExportRequest
from .to_onnx import translate


def convert(openvino: Any, request: ExportRequest) -> Any:
    """Return the model as the module `openvino` has it, with all sizes free that are in ONNX.

    Raises:
        ExportError: The model cannot be written as ONNX.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        translate(request, file)
        return openvino.convert_model(file)
