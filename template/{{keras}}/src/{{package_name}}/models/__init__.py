"""The models. Training, export and native inference call `build_model` and nothing else here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..keras_backend import keras
from .digits_cnn import digits_cnn


def build_model(options: Mapping[str, Any]) -> keras.Model:
    """Returns a new model; `options` are the values of the `model` section of the configuration."""
    return digits_cnn(**options)  # your own model: change this line
