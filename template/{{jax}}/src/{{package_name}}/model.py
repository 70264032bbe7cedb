"""The model, a small convolutional network for images, and its loss.

Training, export and native inference call `build_model` and `loss` and nothing else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from .task import CLASS_NAMES, IMAGE_SHAPE

Arrays = Mapping[str, jax.Array]
Layer = dict[str, jax.Array]
Weights = dict[str, Layer]

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
        """Return new weights, drawn with a key of `jax.random`."""
        first, second, last = jax.random.split(key, 3)
        channels, rows, columns = IMAGE_SHAPE
        features = 2 * self.width * (rows // 2) * (columns // 2)
        return {
            "convolution_1": _convolution(first, channels, self.width),
            "convolution_2": _convolution(second, self.width, 2 * self.width),
            "classifier": {
                "kernel": _random_matrix(last, (features, len(CLASS_NAMES))),
                "bias": jnp.zeros(len(CLASS_NAMES)),
            },
        }

    def apply(
        self,
        weights: Weights,
        image: jax.Array,
        dropout_key: jax.Array | None = None,
        *,
        checkpointed: bool = False,
    ) -> dict[str, jax.Array]:
        """Return the logits (N, classes) of images.

        Args:
            weights: As `init` returns them.
            image: The inputs.
            dropout_key: With a key, features are dropped.
            checkpointed: Whether blocks are computed again for their gradients, not kept.
        """
        block = jax.checkpoint(_block) if checkpointed else _block
        values = block(weights["convolution_1"], image)
        values = block(weights["convolution_2"], values)
        features = _halve(values).reshape(image.shape[0], -1)
        if dropout_key is not None:
            kept = jax.random.bernoulli(dropout_key, 1 - self.dropout, features.shape)
            features = jnp.where(kept, features / (1 - self.dropout), 0)
        classifier = weights["classifier"]
        return {"logits": features @ classifier["kernel"] + classifier["bias"]}


def _convolution(key: jax.Array, inputs: int, outputs: int) -> Layer:
    return {"kernel": _random_kernel(key, (outputs, inputs, 3, 3)), "bias": jnp.zeros(outputs)}


def _block(layer: Layer, values: jax.Array) -> jax.Array:
    return jax.nn.relu(_convolve(layer, values))


def _convolve(layer: Layer, values: jax.Array) -> jax.Array:
    moved = jax.lax.conv_general_dilated(values, layer["kernel"], (1, 1), "SAME")
    return moved + layer["bias"][:, None, None]


def _halve(values: jax.Array) -> jax.Array:
    """Keep the largest of each 2 x 2 pixels.

    By reshaping, as what `lax.reduce_window` becomes in ONNX does not run in ONNX Runtime.
    """
    count, channels, height, width = values.shape
    blocks = values.reshape(count, channels, height // 2, 2, width // 2, 2)
    return blocks.max(axis=(3, 5))


Model = DigitsCNN  # your own model: change this line


def build_model(options: Mapping[str, Any]) -> Model:
    """Return a new model; `options` are the values of the `model` section of the configuration.

    A model has no weights in it: `init(key)` returns a tree of new ones, `apply(weights, ...)` the
    named outputs for the inputs.
    """
    return Model(**options)


def loss(outputs: Arrays, targets: Arrays) -> jax.Array:
    """Return the mean cross-entropy in nats."""
    logits, labels = outputs["logits"], targets["label"]
    mean: jax.Array = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    return mean
