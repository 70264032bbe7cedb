# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Translates a function of JAX to ONNX, which ONNX Runtime runs and OpenVINO reads."""

from __future__ import annotations

from pathlib import Path

import onnx

from ..errors import ExportError, reason_of
from ..reporting import silenced
from .artifact import ExportRequest
from .onnx_graph import drop_empty_biases

OPSET = 18


def translate(request: ExportRequest, path: Path) -> None:
    """Writes the model as ONNX with a free batch size.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    try:
        with silenced():
            import jax2onnx

            program = jax2onnx.to_onnx(
                request.model,
                inputs=[("batch", *request.input.shape)],
                input_names=[request.input.name],
                output_names=["logits"],
                opset=OPSET,
            )
            drop_empty_biases(program)
            onnx.save(program, path)
    except Exception as error:  # the exporter passes on errors of every kind
        raise ExportError(f"The model cannot be exported to ONNX: {reason_of(error)}") from error
