# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Write ONNX, in full precision or with weights and activations in eight bits."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reporting import silenced
from .artifact import FLOAT32, ExportRequest, Precision
from .to_onnx import OPSET, translate

FORMAT = "onnx"
MODEL_FILE = "model.onnx"
FORMAT_OPTIONS: Mapping[str, Any] = {"opset": OPSET}

_CALIBRATION_BATCH = 64

# In eight bits, outputs above all of the calibration are cut off: of those that go up to about 20
# here, that is less than two. The classes decide.
PRECISIONS: Mapping[str, Precision] = {
    "float32": FLOAT32,
    "int8": Precision(tolerance=0.1, relative=0.15, agreement=0.99),
}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write the model with a free batch size.

    Raises:
        ExportError: the exporter cannot translate the model.
    """
    if precision == "float32":
        translate(request, path)
        return
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / path.name
        translate(request, whole)
        quantize(request, whole, path)


def quantize(request: ExportRequest, whole: Path, path: Path) -> None:
    """Quantize the file `whole` by the values that occur in the calibration."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    given = request.inputs if request.calibration is None else request.calibration
    folded = whole.with_name(f"folded-{whole.name}")
    with silenced():
        # Weights that an exporter left to be transposed would not be quantized.
        quant_pre_process(whole, folded, skip_symbolic_shape=True)
        quantization.quantize_static(
            folded,
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
        """Return the next batch, or None after the last."""
        return next(self._left, None)
