# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Translates a function of JAX to ONNX, which ONNX Runtime runs and OpenVINO reads."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import numpy_helper

from ..errors import ExportError
from .artefact import ExportRequest
from .quiet import quiet

OPSET = 18

# Convolutions are summed in other orders than XLA does.
TOLERANCE = 1e-4


def translate(request: ExportRequest, path: Path) -> None:
    """Writes the model as ONNX with a free batch size.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    try:
        with quiet():
            import jax2onnx

            program = jax2onnx.to_onnx(
                request.model,
                inputs=[("batch", *request.input.shape)],
                input_names=[request.input.name],
                output_names=["logits"],
                opset=OPSET,
            )
            _drop_empty_biases(program)
            onnx.save(program, path)
    except Exception as error:  # the exporter passes on errors of every kind
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"The model cannot be exported to ONNX: {reason}") from error


def _drop_empty_biases(program: onnx.ModelProto) -> None:
    """Removes the zero that jax2onnx adds to every product of matrices.

    The quantizer of ONNX Runtime takes a bias for a list of numbers and stops at a single one.
    """
    single = [each for each in program.graph.initializer if not each.dims]
    zeros = {each.name for each in single if not numpy_helper.to_array(each).any()}
    for node in program.graph.node:
        if node.op_type == "Gemm" and len(node.input) == 3 and node.input[2] in zeros:
            del node.input[2]
    used = {name for node in program.graph.node for name in node.input}
    for each in single:
        if each.name not in used:
            program.graph.initializer.remove(each)
