# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Translates a module of PyTorch to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch

from ..errors import ExportError, reason_of
from ..reporting import silenced
from .artifact import ExportRequest

# The opset that torch.onnx implements natively; a newer one would go through a converter.
OPSET = 18


def translate(request: ExportRequest, path: Path) -> None:
    """Write the model as ONNX, with free sizes of the batch and of the dynamic axes.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    inputs = {name: torch.from_numpy(array) for name, array in request.example().items()}
    alone = len(inputs) == 1
    shapes = dynamic_shapes(request)
    try:
        with silenced():
            program = torch.onnx.export(
                request.model,
                tuple(inputs.values()) if alone else (),
                kwargs={} if alone else inputs,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(request.outputs),
                dynamic_shapes=tuple(shapes.values()) if alone else shapes,
                verbose=False,
            )
            cast(torch.onnx.ONNXProgram, program).save(path)
    except Exception as error:  # the exporter passes on errors of every kind
        raise ExportError(f"The model cannot be exported to ONNX: {reason_of(error)}") from error


def dynamic_shapes(request: ExportRequest) -> dict[str, dict[int, Any]]:
    """Return the axes of every input whose sizes are free, as torch.export takes them."""
    named: dict[str, Any] = {"batch": torch.export.Dim("batch")}
    shapes = {}
    for name in request.inputs:
        axes = {0: "batch", **request.dynamic_axes.get(name, {})}
        shapes[name] = {
            axis: named.setdefault(size, torch.export.Dim(size)) for axis, size in axes.items()
        }
    return shapes
