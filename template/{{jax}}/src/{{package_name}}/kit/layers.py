# Owned by the template: every update rewrites this file. Your own helpers go into your own modules.
"""Layers as functions of their weights, for models in plain JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp

Layer = dict[str, jax.Array]
"""The arrays `kernel` and `bias` of one layer."""


def new_linear(key: jax.Array, inputs: int, outputs: int) -> Layer:
    """Return weights for `linear`, drawn as Glorot and Bengio (2010) do, with a bias of zeros."""
    kernel = jax.nn.initializers.glorot_uniform()(key, (inputs, outputs))
    return {"kernel": kernel, "bias": jnp.zeros(outputs)}


def linear(layer: Layer, values: jax.Array) -> jax.Array:
    """Return values (N, outputs) for values (N, inputs)."""
    return values @ layer["kernel"] + layer["bias"]


def new_convolution(key: jax.Array, inputs: int, outputs: int, size: int = 3) -> Layer:
    """Return weights for `convolution`, drawn as He et al. (2015) do, with a bias of zeros.

    Args:
        key: A key of `jax.random`.
        inputs: Channels that come in.
        outputs: Channels that go out.
        size: Rows and columns of the kernel.
    """
    random = jax.nn.initializers.he_normal(in_axis=1, out_axis=0)
    return {"kernel": random(key, (outputs, inputs, size, size)), "bias": jnp.zeros(outputs)}


def convolution(layer: Layer, values: jax.Array) -> jax.Array:
    """Return values (N, outputs, rows, columns) for values (N, inputs, rows, columns)."""
    moved = jax.lax.conv_general_dilated(values, layer["kernel"], (1, 1), "SAME")
    return moved + layer["bias"][:, None, None]


def max_pool(values: jax.Array) -> jax.Array:
    """Return the largest of each 2 x 2 values: (N, channels, rows / 2, columns / 2).

    By reshaping, as what `lax.reduce_window` becomes in ONNX does not run in ONNX Runtime.
    """
    count, channels, height, width = values.shape
    blocks = values.reshape(count, channels, height // 2, 2, width // 2, 2)
    return blocks.max(axis=(3, 5))


def dropout(values: jax.Array, share: float, key: jax.Array | None) -> jax.Array:
    """Return the values with a share of them dropped and the others larger; all without a key."""
    if key is None:
        return values
    kept = jax.random.bernoulli(key, 1 - share, values.shape)
    return jnp.where(kept, values / (1 - share), 0)
