# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes a model of OpenVINO again with weights and activations in eight bits.

NNCF does it, by the values that occur in the calibration. It needs an older NumPy than the training
stack has, so it works in an environment of its own.
"""

from __future__ import annotations

from pathlib import Path

from ..files import write_arrays
from .artifact import ExportRequest, Precision
from .environments import run_apart

EXPORTER = "openvino-int8"

# A tenth is what eight bits may cost of an output; the task's decisions must stay.
PRECISION = Precision(tolerance=0.1, relative=0.1, agreement=0.99, exporter=EXPORTER)


def quantize(request: ExportRequest, whole: Path, path: Path) -> None:
    """Write a quantised copy of a model.

    Args:
        request: What is exported; its calibration says which numbers occur.
        whole: The model in full precision.
        path: Where the copy goes.

    Raises:
        ExportError: NNCF failed, or its environment cannot be had here.
    """
    inputs = whole.with_name("calibration.npz")
    write_arrays(inputs, request.inputs if request.calibration is None else request.calibration)
    run_apart(EXPORTER, "openvino_int8_worker", whole, inputs, path)
