# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Lets OpenVINO read a module of PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from ..inference import outputs_of
from .artifact import ExportRequest


def convert(openvino: Any, request: ExportRequest) -> Any:
    """Return the model as the module `openvino` has it, with free sizes of batch and dynamic axes.

    The converter calls inputs as it likes, and may leave the model's own order.
    """
    inputs = {name: torch.from_numpy(array) for name, array in request.example().items()}
    names = list(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the tracing that the converter does
        model = openvino.convert_model(
            _Positional(request.model, names), example_input=tuple(inputs.values())
        )
    shapes = {}
    for place, spec in enumerate(request.specs(request.inputs)):
        model.inputs[place].set_names({spec.name})
        sizes = [-1 if isinstance(size, str) else size for size in spec.shape]
        shapes[spec.name] = openvino.PartialShape([-1, *sizes])
    model.reshape(shapes)
    return model


class _Positional(torch.nn.Module):
    """A model whose inputs and outputs have an order and no names."""

    def __init__(self, model: torch.nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs."""
        return tuple(outputs_of(self.model, dict(zip(self.names, inputs, strict=True))).values())
