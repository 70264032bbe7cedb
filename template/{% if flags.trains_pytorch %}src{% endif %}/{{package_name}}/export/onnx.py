# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Writes ONNX."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from ..errors import ExportError
from .artefact import ExportRequest, Precision
from .onnx_int8 import quantize
from .quiet import quiet

# The opset that torch.onnx implements natively; a newer one would go through a converter.
OPSET = 18

FORMAT = "onnx"
MODEL_FILE = "model.onnx"
FORMAT_OPTIONS: Mapping[str, Any] = {"opset": OPSET}

# With one example the exporter could take the batch for a constant.
_EXAMPLES = 2

# Two float32 runtimes that sum in different orders stay well below the first. Of the second, half a
# logit is what eight bits leave of values that go up to about 20 here; the classes decide.
PRECISIONS: Mapping[str, Precision] = {
    "float32": Precision(tolerance=1e-5),
    "int8": Precision(tolerance=0.5, agreement=0.99),
}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Writes the model with a free batch size.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    if precision == "float32":
        _translate(request, path)
        return
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / path.name
        _translate(request, whole)
        quantize(request, whole, path)


def _translate(request: ExportRequest, path: Path) -> None:
    example = torch.from_numpy(np.repeat(request.inputs[:1], _EXAMPLES, axis=0))
    try:
        with quiet():
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
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"The model cannot be exported to ONNX: {reason}") from error
