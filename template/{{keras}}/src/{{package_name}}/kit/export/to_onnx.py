# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Translates a model of Keras to ONNX, which ONNX Runtime runs and OpenVINO reads."""

from __future__ import annotations

from pathlib import Path

import onnx

from ..errors import ExportError, reason_of
from ..inference import TensorSpec
from ..keras_backend import computing_on, keras
from ..reporting import silenced
from .artifact import ExportRequest
from .onnx_graph import drop_empty_biases, name_output, order_outputs

OPSET = 18


def translate(request: ExportRequest, path: Path) -> None:
    """Write the model as ONNX, with free sizes of the batch and of the dynamic axes.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    inputs = {spec.name: _signature(spec) for spec in request.specs(request.inputs)}
    alone = next(iter(inputs.values()))
    try:
        with silenced(), computing_on("cpu"):
            request.model.export(
                path,
                format="onnx",
                opset_version=OPSET,
                verbose=False,
                input_signature=[alone if len(inputs) == 1 else inputs],
            )
            program = onnx.load(path)
            # In the order in which Keras puts the outputs of a mapping one after another.
            name_output(program, *keras.tree.flatten({name: name for name in request.outputs}))
            order_outputs(program, list(request.outputs))
            drop_empty_biases(program)
            onnx.save(program, path)
    except Exception as error:  # the exporter passes on errors of every kind
        raise ExportError(f"The model cannot be exported to ONNX: {reason_of(error)}") from error


def _signature(spec: TensorSpec) -> keras.InputSpec:
    sizes = [None if isinstance(size, str) else size for size in spec.shape]
    return keras.InputSpec(shape=(None, *sizes), dtype=spec.dtype, name=spec.name)
