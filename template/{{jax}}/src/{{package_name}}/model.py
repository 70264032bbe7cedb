"""The model, a small convolutional network for images, and its loss.

Training, export and native inference call `build_model` and `loss` and nothing else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import optax

from .kit import layers
from .task import CLASS_NAMES, IMAGE_SHAPE

Arrays = Mapping[str, jax.Array]
Weights = dict[str, layers.Layer]


@dataclass(frozen=True)
class DigitsCNN:
    """Two convolutions, one pooling and a linear layer; about 10 000 weights at width 16.

    Attributes:
        width: Channels of the first convolution; the second has twice as many.
        dropout: Share of the features that is dropped in training, at least 0 and below 1.
    """

    width: int
    dropout: float

    def init(self, key: jax.Array) -> Weights:
        """Return new weights, drawn with a key of `jax.random`."""
        first, second, last = jax.random.split(key, 3)
        channels, rows, columns = IMAGE_SHAPE
        features = 2 * self.width * (rows // 2) * (columns // 2)
        return {
            "convolution_1": layers.new_convolution(first, channels, self.width),
            "convolution_2": layers.new_convolution(second, self.width, 2 * self.width),
            "classifier": layers.new_linear(last, features, len(CLASS_NAMES)),
        }

    def apply(
        self,
        weights: Weights,
        image: jax.Array,
        dropout_key: jax.Array | None = None,
        *,
        checkpointed: bool = False,
    ) -> dict[str, jax.Array]:
        """Return the logits (N, classes) of images; a key of `jax.random` drops features.

        If checkpointed, blocks are computed again for their gradients, not kept.
        """
        block = jax.checkpoint(_block) if checkpointed else _block
        values = block(weights["convolution_1"], image)
        values = block(weights["convolution_2"], values)
        features = layers.max_pool(values).reshape(image.shape[0], -1)
        features = layers.dropout(features, self.dropout, dropout_key)
        return {"logits": layers.linear(weights["classifier"], features)}


def _block(layer: layers.Layer, values: jax.Array) -> jax.Array:
    return jax.nn.relu(layers.convolution(layer, values))


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
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    mean: jax.Array = losses.mean()
    return mean
