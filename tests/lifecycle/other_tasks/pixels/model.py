"""Convolutions with two values for each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]


class Pixels(nn.Module):
    """An image in, two images out."""

    def __init__(self, width: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.first = nn.Conv2d(1, width, kernel_size=3, padding=1)
        self.last = nn.Conv2d(width, 2, kernel_size=3, padding=1)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return logits and distances, each (N, 1, height, width)."""
        values = self.last(torch.relu(self.first(image)))
        return {"bright": values[:, :1], "distance": values[:, 1:]}


def build_model(options: Mapping[str, Any]) -> nn.Module:
    """Return a new model."""
    return Pixels(**options)


def loss(outputs: Tensors, targets: Tensors) -> torch.Tensor:
    """Return the sum of two losses."""
    entropy = nn.functional.binary_cross_entropy_with_logits(outputs["bright"], targets["mask"])
    return entropy + nn.functional.mse_loss(outputs["distance"], targets["distance"])
