"""Attention over a sequence of any length, with what it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

Tensors = Mapping[str, torch.Tensor]


class Sequences(nn.Module):
    """A weighted mean of the letters of a text."""

    def __init__(self, width: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.letters = nn.Embedding(4, width)
        self.weight = nn.Linear(width, 1)
        self.last = nn.Linear(width, 2)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return logits (N, 2) and weights (N, length)."""
        values = self.letters(tokens)
        scores = self.weight(values).squeeze(2).masked_fill(~mask, -1e9)
        weights = torch.softmax(scores, dim=1)
        return {"logits": self.last((weights[:, :, None] * values).sum(1)), "attention": weights}


def build_model(options: Mapping[str, Any]) -> nn.Module:
    """Return a new model."""
    return Sequences(**options)


def loss(outputs: Tensors, targets: Tensors) -> torch.Tensor:
    """Return the mean cross-entropy."""
    return nn.functional.cross_entropy(outputs["logits"], targets["label"])
