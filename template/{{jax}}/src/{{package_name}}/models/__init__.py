"""The models. Training, export and native inference call `build_model` and nothing else here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .digits_cnn import DigitsCNN

Model = DigitsCNN  # your own model: change this line


def build_model(options: Mapping[str, Any]) -> Model:
    """Returns a new model; `options` are the values of the `model` section of the configuration.

    A model has no weights in it: `init(key)` returns a tree of new ones, `apply(weights, inputs)`
    the logits.
    """
    return Model(**options)
