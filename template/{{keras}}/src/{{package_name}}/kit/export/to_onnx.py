# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Translates a model of Keras to ONNX, which ONNX Runtime runs and OpenVINO reads."""

from __future__ import annotations

from pathlib import Path

import onnx

from ..errors import ExportError, reason_of
from ..keras_backend import computing_on, keras
from ..reporting import silenced
from .artifact import ExportRequest
from .onnx_graph import drop_empty_biases, name_output

OPSET = 18


def translate(request: ExportRequest, path: Path) -> None:
    """Writes the model as ONNX with a free batch size.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    name, shape = request.input.name, (None, *request.input.shape)
    signature = keras.InputSpec(shape=shape, dtype="float32", name=name)
    try:
        with silenced(), computing_on("cpu"):
            request.model.export(
                path,
                format="onnx",
                opset_version=OPSET,
                verbose=False,
                input_signature=[signature],
            )
            program = onnx.load(path)
            name_output(program, "logits")
            drop_empty_biases(program)
            onnx.save(program, path)
    except Exception as error:  # the exporter passes on errors of every kind
        raise ExportError(f"The model cannot be exported to ONNX: {reason_of(error)}") from error
