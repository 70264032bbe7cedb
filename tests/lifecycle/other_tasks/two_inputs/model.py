"""A model with two inputs, of two types, and two outputs in a tuple."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]


class Offers(nn.Module):
    """Two branches that meet."""

    def __init__(self, width: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.of_image = nn.Sequential(nn.Flatten(), nn.Linear(16, width), nn.ReLU())
        self.of_facts = nn.Linear(2, width)
        self.kind = nn.Linear(2 * width, 2)
        self.price = nn.Linear(2 * width, 1)

    def forward(
        self, facts: torch.Tensor, image: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (N, 2) and prices (N,)."""
        both = torch.cat([self.of_image(image), self.of_facts(facts.float())], dim=1)
        return self.kind(both), self.price(both).squeeze(1)


def build_model(options: Mapping[str, Any]) -> nn.Module:
    """Return a new model."""
    return Offers(**options)


def loss(outputs: Tensors, targets: Tensors) -> torch.Tensor:
    """Return the sum of two losses."""
    entropy = nn.functional.cross_entropy(outputs["output_0"], targets["kind"])
    return entropy + nn.functional.mse_loss(outputs["output_1"], targets["price"])
