"""The task: what goes into the model, how good what comes out is, and what it means.

This is all that knows of digits and classes, beside the data and the model with its loss. NumPy
only, because predictions in production run without the training framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

CLASS_NAMES = tuple("0123456789")
IMAGE_SHAPE = (1, 8, 8)
MAX_PIXEL = 16.0  # scikit-learn's digits count the dark pixels in a block of 4 x 4

# Goes into every exported model, whose folder has its name; one with another scheme is refused.
SCHEME: dict[str, Any] = {"name": "digits", "divide_by": MAX_PIXEL, "shape": [*IMAGE_SHAPE]}

# Free sizes besides the batch, for inputs and outputs: dict(tokens={1: "length"}).
DYNAMIC_AXES: dict[str, dict[int, str]] = {}

BEST_METRIC = "loss"  # of the validation; its lowest value makes an epoch the best
HIGHER_IS_BETTER = False


def prepare(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the model's inputs for a request, in training as in predictions.

    Args:
        request: `images`, as lists or an array: raw ones (N, 8, 8) with values from 0 to 16, or
            inputs (N, 1, 8, 8) that are prepared already.

    Raises:
        InputError: There are none, or the shape, the type or the range is another one.
    """
    return {"image": images_of(request, "images")}


def images_of(request: Mapping[str, Any], name: str) -> NDArray[np.float32]:
    """Return the images of that name in a request, each of shape IMAGE_SHAPE, from 0 to 1."""
    try:
        images = np.asarray(request[name])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError('Give {"' + name + '": [...]}, images of equal size.') from error
    raw = images.ndim == len(IMAGE_SHAPE)
    expected = IMAGE_SHAPE[1:] if raw else IMAGE_SHAPE
    if images.shape[1:] != expected or images.ndim < len(IMAGE_SHAPE):
        raise InputError(f"Images must have shape (N, 8, 8) or (N, 1, 8, 8), not {images.shape}.")
    if images.dtype.kind not in "buif":
        raise InputError(f"Images must hold real numbers, not {images.dtype}.")
    largest = MAX_PIXEL if raw else 1.0
    if not np.all((images >= 0) & (images <= largest)):
        raise InputError(f"Images of shape {images.shape} need values from 0 to {largest:g}.")
    return (images.astype(np.float32) / np.float32(largest)).reshape(-1, *IMAGE_SHAPE)


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return what is measured besides the loss, by name."""
    return {"accuracy": float(np.mean(decide(outputs) == targets["label"]))}


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return the rows of the table that `evaluate` prints: one for every class that occurs."""
    labels = targets["label"]
    right = decide(outputs) == labels
    found = [(name, right[labels == number]) for number, name in enumerate(CLASS_NAMES)]
    return {
        name: {"examples": len(of_class), "accuracy": float(np.mean(of_class))}
        for name, of_class in found
        if len(of_class)
    }


def decide(outputs: Arrays) -> NDArray[np.int64]:
    """Return what the outputs decide, which most examples must keep in an export in eight bits.

    A task that decides nothing, such as a regression, returns None: the numbers are enough there.
    """
    decisions: NDArray[np.int64] = outputs["logits"].argmax(axis=1)
    return decisions


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return what is answered for each example, ready for JSON."""
    logits = outputs["logits"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return [
        {"class": CLASS_NAMES[int(row.argmax())], "probability": float(row.max())}
        for row in probabilities
    ]
