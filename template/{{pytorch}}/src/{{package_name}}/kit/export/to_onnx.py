# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Translates a module of PyTorch to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch

from ..errors import ExportError, reason_of
from ..reporting import silenced
from .artifact import ExportRequest

# The opset that torch.onnx implements natively; a newer one would go through a converter.
OPSET = 18

# With one example the exporter could take the batch for a constant.
_EXAMPLES = 2


def translate(request: ExportRequest, path: Path) -> None:
    """Writes the model as ONNX with a free batch size.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    example = torch.from_numpy(np.repeat(request.inputs[:1], _EXAMPLES, axis=0))
    try:
        with silenced():
            program = torch.onnx.export(
                request.model,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[request.input.name],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
            cast(torch.onnx.ONNXProgram, program).save(path)
    except Exception as error:  # the exporter passes on errors of every kind
        raise ExportError(f"The model cannot be exported to ONNX: {reason_of(error)}") from error
