# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Writes an ONNX file with weights and activations in eight bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..reporting import silenced
from .artifact import ExportRequest

_CALIBRATION_BATCH = 64


def quantize(request: ExportRequest, whole: Path, path: Path) -> None:
    """Quantises the file `whole` by the values that occur in the calibration."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    given = request.inputs if request.calibration is None else request.calibration
    folded = whole.with_name(f"folded-{whole.name}")
    with silenced():
        # Weights that an exporter left to be transposed would not be quantised.
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
        """Returns the next batch, or None after the last."""
        return next(self._left, None)
