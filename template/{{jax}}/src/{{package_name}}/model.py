"""The model: a small convolutional network for images of 8 x 8 pixels.

Training, export and native inference call `build_model` and nothing else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

Layer = dict[str, jax.Array]
Weights = dict[str, Layer]

_CLASSES = 10
_PIXELS_LEFT = 4 * 4
_random_kernel = jax.nn.initializers.he_normal(in_axis=1, out_axis=0)
_random_matrix = jax.nn.initializers.glorot_uniform()


@dataclass(frozen=True)
class DigitsCNN:
    """Two convolutions, one pooling and a linear layer; about 10 000 weights at width 16.

    Attributes:
        width: Channels of the first convolution; the second has twice as many.
        dropout: Share of the features that is dropped in training, at least 0 and below 1.
    """

    width: int = 16
    dropout: float = 0.2

    def init(self, key: jax.Array) -> Weights:
        """Returns new weights, drawn with a key of `jax.random`."""
        first, second, last = jax.random.split(key, 3)
        features = 2 * self.width * _PIXELS_LEFT
        return {
            "convolution_1": _convolution(first, 1, self.width),
            "convolution_2": _convolution(second, self.width, 2 * self.width),
            "classifier": {
                "kernel": _random_matrix(last, (features, _CLASSES)),
                "bias": jnp.zeros(_CLASSES),
            },
        }

    def apply(
        self,
        weights: Weights,
        images: jax.Array,
        dropout_key: jax.Array | None = None,
        *,
        checkpointed: bool = False,
    ) -> jax.Array:
        """Return the logits (N, 10) of images (N, 1, 8, 8).

        Args:
            weights: As `init` returns them.
            images: The inputs.
            dropout_key: With a key, features are dropped.
            checkpointed: Whether blocks are computed again for their gradients, not kept.
        """
        block = jax.checkpoint(_block) if checkpointed else _block
        values = block(weights["convolution_1"], images)
        values = block(weights["convolution_2"], values)
        features = _halve(values).reshape(images.shape[0], -1)
        if dropout_key is not None:
            kept = jax.random.bernoulli(dropout_key, 1 - self.dropout, features.shape)
            features = jnp.where(kept, features / (1 - self.dropout), 0)
        return features @ weights["classifier"]["kernel"] + weights["classifier"]["bias"]


def _convolution(key: jax.Array, inputs: int, outputs: int) -> Layer:
    return {"kernel": _random_kernel(key, (outputs, inputs, 3, 3)), "bias": jnp.zeros(outputs)}


def _block(layer: Layer, values: jax.Array) -> jax.Array:
    return jax.nn.relu(_convolve(layer, values))


def _convolve(layer: Layer, values: jax.Array) -> jax.Array:
    moved = jax.lax.conv_general_dilated(values, layer["kernel"], (1, 1), "SAME")
    return moved + layer["bias"][:, None, None]


def _halve(values: jax.Array) -> jax.Array:
    """Keeps the largest of each 2 x 2 pixels.

    By reshaping, as what `lax.reduce_window` becomes in ONNX does not run in ONNX Runtime.
    """
    count, channels, height, width = values.shape
    blocks = values.reshape(count, channels, height // 2, 2, width // 2, 2)
    return blocks.max(axis=(3, 5))


Model = DigitsCNN  # your own model: change this line


def build_model(options: Mapping[str, Any]) -> Model:
    """Returns a new model; `options` are the values of the `model` section of the configuration.

    A model has no weights in it: `init(key)` returns a tree of new ones, `apply(weights, inputs)`
    the logits.
    """
    return Model(**options)
