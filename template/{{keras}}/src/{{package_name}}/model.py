"""The model, a small convolutional network for images, and its loss.

Training, export and native inference call `build_model` and `loss` and nothing else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kit.keras_backend import keras
from .task import CLASS_NAMES, IMAGE_SHAPE

_CHANNELS_LAST = (2, 3, 1)


def digits_cnn(width: int = 16, dropout: float = 0.2) -> keras.Model:
    """Return three convolutions and a linear layer; about 19 000 weights at width 16.

    The second convolution halves the image. A pooling layer would do so too, but with JAX what it
    becomes in ONNX does not run in ONNX Runtime.

    Args:
        width: Channels of the first convolution; the others have twice as many.
        dropout: Share of the features that is dropped in training, at least 0 and below 1.
    """
    layers = keras.layers
    images = keras.Input(IMAGE_SHAPE, name="image")
    values = layers.Permute(_CHANNELS_LAST)(images)
    for channels, stride in ((width, 1), (2 * width, 2), (2 * width, 1)):
        values = layers.Conv2D(
            channels,
            kernel_size=3,
            strides=stride,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
        )(values)
    features = layers.Dropout(dropout)(layers.Flatten()(values))
    outputs = {"logits": layers.Dense(len(CLASS_NAMES))(features)}
    return keras.Model(images, outputs, name="digits_cnn")


def build_model(options: Mapping[str, Any]) -> keras.Model:
    """Return a new model; `options` are the values of the `model` section of the configuration."""
    return digits_cnn(**options)  # your own model: change this line


def loss(outputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
    """Return the mean cross-entropy in nats."""
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return entropy(targets["label"], outputs["logits"])
