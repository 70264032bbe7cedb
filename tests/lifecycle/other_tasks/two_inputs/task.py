"""A class and a price from an image and two numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

SCHEME: dict[str, Any] = {"name": "offers"}
DYNAMIC_AXES: dict[str, dict[int, str]] = {}
BEST_METRIC = "accuracy"
HIGHER_IS_BETTER = True


def generate(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    """Return all inputs and targets."""
    images, facts = random.random((300, 4, 4)), random.normal(size=(300, 2))
    inputs = prepare({"images": images, "facts": facts})
    kinds = (facts[:, 0] > 0).astype(np.int64)
    return inputs, {"kind": kinds, "price": images.mean(axis=(1, 2)).astype(np.float32)}


def prepare(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the model's inputs for `images` and `facts`."""
    try:
        images = np.asarray(request["images"], dtype=np.float32).reshape(-1, 1, 4, 4)
        facts = np.asarray(request["facts"], dtype=np.float64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError('Give {"images": [...], "facts": [...]}.') from error
    return {"image": images, "facts": facts}


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return a metric of each output."""
    return {
        "accuracy": float(np.mean(decide(outputs) == targets["kind"])),
        "price_error": float(np.mean(np.abs(outputs["output_1"] - targets["price"]))),
    }


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return nothing."""
    return {}


def decide(outputs: Arrays) -> NDArray[np.int64]:
    """Return the kind."""
    kinds: NDArray[np.int64] = outputs["output_0"].argmax(axis=1)
    return kinds


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return kind and price."""
    pairs = zip(decide(outputs), outputs["output_1"], strict=True)
    return [{"kind": "ab"[kind], "price": float(price)} for kind, price in pairs]
