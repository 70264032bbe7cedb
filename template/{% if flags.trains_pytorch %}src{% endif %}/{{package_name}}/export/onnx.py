# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Writes ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ExportError
from .artefact import ExportRequest, Precision

# The opset that torch.onnx implements natively; a newer one would go through a converter.
OPSET = 18

FORMAT = "onnx"
MODEL_FILE = "model.onnx"
FORMAT_OPTIONS: Mapping[str, Any] = {"opset": OPSET}

# With one example the exporter could take the batch for a constant.
_EXAMPLES = 2

_CALIBRATION_BATCH = 64

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
        _quantize(request, whole, path)


def _translate(request: ExportRequest, path: Path) -> None:
    example = torch.from_numpy(np.repeat(request.inputs[:1], _EXAMPLES, axis=0))
    try:
        with _quiet():
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


def _quantize(request: ExportRequest, whole: Path, path: Path) -> None:
    """Writes weights and activations in eight bits, by the values that occur in the calibration."""
    from onnxruntime import quantization

    given = request.inputs if request.calibration is None else request.calibration
    with _quiet():
        quantization.quantize_static(
            whole,
            path,
            _Batches(request.input.name, given),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
        )


class _Batches:
    """What the quantizer reads the calibration from."""

    def __init__(self, name: str, inputs: NDArray[np.float32]) -> None:
        starts = range(0, len(inputs), _CALIBRATION_BATCH)
        self._left = iter([{name: inputs[at : at + _CALIBRATION_BATCH]} for at in starts])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Returns the next batch, or None after the last."""
        return next(self._left, None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's progress, warnings and log lines away from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
