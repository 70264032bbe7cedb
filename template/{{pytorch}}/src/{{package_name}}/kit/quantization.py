# Owned by the template: every update rewrites this file. Your own command: commands/quantize.py.
# mypy: disable-error-code="no-untyped-call"
"""Linear layers in 8 or 4 bits, by bitsandbytes: a trained model in less memory."""

from __future__ import annotations

import logging

import torch
from torch import nn

from .errors import ProjectError

# It says at its import which kernels it does without, and at every run that it rounds.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)

from bitsandbytes.nn.modules import (  # noqa: E402
    Int8Params,
    Linear4bit,
    Linear8bitLt,
    Params4bit,
)

PRECISIONS = ("int8", "nf4", "fp4")
"""8 bits for each weight with a scale for each output; 4 bits with a scale for each 64 weights."""


class QuantizationError(ProjectError):
    """A model cannot be quantised."""


def quantize_linear_layers(model: nn.Module, precision: str) -> int:
    """Replace every linear layer of a model; the weights are rounded when it moves to a device.

    Args:
        model: The model, in evaluation mode; it cannot be trained afterwards.
        precision: One of `PRECISIONS`.

    Returns:
        How many layers there were.

    Raises:
        QuantizationError: The precision is unknown, or there is no such layer.
    """
    if precision not in PRECISIONS:
        raise QuantizationError(f"{precision} is not one of {', '.join(PRECISIONS)}.")
    places = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if type(layer) is nn.Linear
    ]
    if not places:
        raise QuantizationError("The model has no linear layer, and only those can be quantised.")
    for parent, name, layer in places:
        setattr(parent, name, _quantized(layer, precision))
    return len(places)


def bytes_of(model: nn.Module) -> int:
    """Return the bytes of all weights and buffers, with the scales of quantised ones."""
    return sum(value.nbytes for value in model.state_dict().values() if torch.is_tensor(value))


def _quantized(layer: nn.Linear, precision: str) -> nn.Module:
    weight, with_bias = layer.weight.detach(), layer.bias is not None
    replaced: Linear8bitLt | Linear4bit
    if precision == "int8":
        replaced = Linear8bitLt(
            layer.in_features, layer.out_features, with_bias, has_fp16_weights=False
        )
        replaced.weight = Int8Params(weight, requires_grad=False, has_fp16_weights=False)
    else:
        replaced = Linear4bit(
            layer.in_features, layer.out_features, with_bias, torch.float32, quant_type=precision
        )
        replaced.weight = Params4bit(weight, requires_grad=False, quant_type=precision)
        # The kernel for AVX-512 takes multiples of 32 outputs only; the general one takes all.
        replaced.support_avx512bf16_for_cpu = False
    if with_bias:
        replaced.bias = layer.bias
    return replaced.requires_grad_(False)
