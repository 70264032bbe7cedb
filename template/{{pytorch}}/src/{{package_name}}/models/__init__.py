"""The models. Training, export and native inference call `build_model` and nothing else here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from .digits_cnn import DigitsCNN as Model  # your own model: change this line


def build_model(options: Mapping[str, Any]) -> nn.Module:
    """Returns a new model; `options` are the values of the `model` section of the configuration."""
    return Model(**options)
