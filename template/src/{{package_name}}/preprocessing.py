"""How an image becomes the model's input: one place, for training and for predictions alike.

NumPy only, because predictions in production run without the training framework.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kit.errors import InputError

CLASS_NAMES = tuple("0123456789")
INPUT_NAME = "image"
INPUT_SHAPE = (1, 8, 8)

# scikit-learn's digits count the dark pixels in a block of 4 x 4, hence 0 to 16.
MAX_PIXEL = 16.0

# Goes into every exported model; a model that was made with another scheme is refused.
SCHEME: dict[str, Any] = {"name": "digits", "divide_by": MAX_PIXEL, "shape": [*INPUT_SHAPE]}


def prepare(images: NDArray[Any]) -> NDArray[np.float32]:
    """Returns the model's inputs, float32 of shape (N, 1, 8, 8) with values from 0 to 1.

    Args:
        images: Raw images (N, 8, 8) with values from 0 to 16, or inputs (N, 1, 8, 8) that are
            prepared already.

    Raises:
        InputError: The shape, the type or the range is another one.
    """
    raw = images.ndim == len(INPUT_SHAPE)
    expected = INPUT_SHAPE[1:] if raw else INPUT_SHAPE
    if images.shape[1:] != expected or images.ndim < len(INPUT_SHAPE):
        raise InputError(f"Images must have shape (N, 8, 8) or (N, 1, 8, 8), not {images.shape}.")
    if images.dtype.kind not in "buif":
        raise InputError(f"Images must hold real numbers, not {images.dtype}.")
    largest = MAX_PIXEL if raw else 1.0
    if not np.all((images >= 0) & (images <= largest)):
        raise InputError(f"Images of shape {images.shape} need values from 0 to {largest:g}.")
    scale = MAX_PIXEL if raw else 1.0
    return (images.astype(np.float32) / np.float32(scale)).reshape(-1, *INPUT_SHAPE)
