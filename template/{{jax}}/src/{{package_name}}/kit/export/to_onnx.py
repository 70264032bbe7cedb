# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Translates a function of JAX to ONNX, which ONNX Runtime runs and OpenVINO reads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx

from ..errors import ExportError, reason_of
from ..inference import outputs_of
from ..reporting import silenced
from .artifact import ExportRequest
from .onnx_graph import drop_empty_biases

OPSET = 18


def translate(request: ExportRequest, path: Path) -> None:
    """Write the model as ONNX, with free sizes of the batch and of the dynamic axes.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    names = list(request.inputs)

    def run(*inputs: Any) -> tuple[Any, ...]:
        return tuple(outputs_of(request.model, dict(zip(names, inputs, strict=True))).values())

    try:
        with silenced():
            import jax2onnx

            program = jax2onnx.to_onnx(
                run,
                inputs=[
                    SimpleNamespace(shape=("batch", *spec.shape), dtype=np.dtype(spec.dtype))
                    for spec in request.specs(request.inputs)
                ],
                input_names=names,
                output_names=list(request.outputs),
                opset=OPSET,
            )
            drop_empty_biases(program)
            onnx.save(program, path)
    except Exception as error:  # the exporter passes on errors of every kind
        raise ExportError(f"The model cannot be exported to ONNX: {reason_of(error)}") from error
