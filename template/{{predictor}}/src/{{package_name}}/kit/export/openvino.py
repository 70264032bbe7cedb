# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes OpenVINO's own format: `model.xml`, and the weights beside it in `model.bin`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ExportError, reason_of
from ..openvino_api import without_statistics
from . import openvino_int8
from .artifact import FLOAT32, ExportRequest, Precision
from .to_openvino import convert

FORMAT = "openvino"
MODEL_FILE = "model.xml"
FORMAT_OPTIONS: Mapping[str, Any] = {"ir_version": 11}

# In float16 the weights are stored, with 11 bits each; what is computed stays in full precision.
PRECISIONS: Mapping[str, Precision] = {
    "float32": FLOAT32,
    "float16": Precision(tolerance=0.01, relative=0.005, agreement=0.99),
    "int8": openvino_int8.PRECISION,
}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write the model with a free batch size.

    Raises:
        ExportError: OpenVINO cannot translate the model.
    """
    if precision != "int8":
        _write(request, path, compress=precision == "float16")
        return
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / path.name
        _write(request, whole, compress=False)
        openvino_int8.quantize(request, whole, path)


def _write(request: ExportRequest, path: Path, *, compress: bool) -> None:
    try:
        with without_statistics() as openvino:
            model = convert(openvino, request)
            for each in model.inputs:  # also has the names of what the converter left out after it
                each.set_names(each.names & request.inputs.keys())
            for output, name in zip(model.outputs, request.outputs, strict=True):
                output.set_names({name})
            _name_in_order(model)
            openvino.save_model(model, path, compress_to_fp16=compress)
    except ExportError:
        raise
    except Exception as error:  # the converter passes on errors of every kind
        raise ExportError(
            f"The model cannot be converted for OpenVINO: {reason_of(error)}"
        ) from error


def _name_in_order(model: Any) -> None:
    """Name operations after their place; the converter counts through the whole process."""
    model.set_friendly_name("model")
    for number, operation in enumerate(model.get_ordered_ops()):
        operation.set_friendly_name(f"{operation.get_type_name()}_{number}")
