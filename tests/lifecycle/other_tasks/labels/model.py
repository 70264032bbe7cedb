"""A linear layer for three labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]


class Labels(nn.Module):
    """A logit for each label."""

    def __init__(self, width: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, width), nn.Dropout(dropout), nn.Linear(width, 3))

    def forward(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return logits (N, 3)."""
        return {"logits": self.layers(features)}


def build_model(options: Mapping[str, Any]) -> nn.Module:
    """Return a new model."""
    return Labels(**options)


def loss(outputs: Tensors, targets: Tensors) -> torch.Tensor:
    """Return the mean binary cross-entropy."""
    return nn.functional.binary_cross_entropy_with_logits(outputs["logits"], targets["labels"])
