"""The model, a small convolutional network for images, and its loss.

Training, export and native inference call `build_model` and `loss` and nothing else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .task import CLASS_NAMES, IMAGE_SHAPE

Tensors = Mapping[str, torch.Tensor]


class DigitsCNN(nn.Module):
    """Two convolutions, one pooling and a linear layer; about 10 000 parameters at width 16."""

    def __init__(self, width: int, dropout: float) -> None:
        """Build the layers.

        Args:
            width: Channels of the first convolution; the second has twice as many.
            dropout: Share of the features that is dropped in training, at least 0 and below 1.
        """
        super().__init__()
        channels, rows, columns = IMAGE_SHAPE
        left = 2 * width * (rows // 2) * (columns // 2)
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, kernel_size=3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, kernel_size=3, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(left, len(CLASS_NAMES)))

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the logits (N, classes) of images (N, channels, rows, columns)."""
        return {"logits": self.classifier(self.features(image))}


def build_model(options: Mapping[str, Any]) -> nn.Module:
    """Return a new model; `options` are the values of the `model` section of the configuration."""
    return DigitsCNN(**options)  # your own model: change this line


def loss(outputs: Tensors, targets: Tensors) -> torch.Tensor:
    """Return the mean cross-entropy in nats."""
    return nn.functional.cross_entropy(outputs["logits"], targets["label"])
