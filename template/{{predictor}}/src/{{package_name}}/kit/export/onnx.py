# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Write ONNX, in full precision or with weights and activations in eight bits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..reporting import silenced
from .artifact import FLOAT32, ExportRequest, Precision
from .to_onnx import OPSET, translate

FORMAT = "onnx"
MODEL_FILE = "model.onnx"
FORMAT_OPTIONS: Mapping[str, Any] = {"opset": OPSET}

# In eight bits, outputs above all of the calibration are cut off: of those of the example, which go
# up to about 20, that is less than two. The task's decisions must stay.
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
    """Quantize the file `whole`.

    Activations are scaled by the values that occur in the calibration. Where all inputs are whole
    numbers, such as tokens, each is scaled as it comes: what masks padding is too large for a scale
    that is fixed.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folded = whole.with_name(f"folded-{whole.name}")
    with silenced():
        # Weights that an exporter left to be transposed would not be quantized.
        quant_pre_process(whole, folded, skip_symbolic_shape=True)
        if all(array.dtype.kind in "iu" for array in request.inputs.values()):
            eight = quantization.QuantType.QInt8
            quantization.quantize_dynamic(folded, path, per_channel=True, weight_type=eight)
            return
        quantization.quantize_static(
            folded,
            path,
            _Batches(request.calibration_batches()),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
        )


class _Batches:
    """What the quantizer reads the calibration from."""

    def __init__(self, batches: Iterator[dict[str, NDArray[Any]]]) -> None:
        self._left = batches

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Return the next batch, or None after the last."""
        return next(self._left, None)
