# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Lets OpenVINO read a module of PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from .artifact import ExportRequest


def convert(openvino: Any, request: ExportRequest) -> Any:
    """Returns the model as the module `openvino` has it, with a free batch size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the tracing that the converter does
        return openvino.convert_model(
            request.model,
            example_input=torch.from_numpy(request.inputs[:2]),
            input=[openvino.PartialShape([-1, *request.input.shape])],
        )
