# Owned by the template: every update rewrites this file. Your code: `preprocessing`.
"""The task of a project from before kit/: images, each of one of the classes that have names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import preprocessing
from ..kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

SCHEME: dict[str, Any] = preprocessing.SCHEME
CLASS_NAMES: tuple[str, ...] = tuple(getattr(preprocessing, "CLASS_NAMES", ()))
MAX_PIXEL: float = getattr(preprocessing, "MAX_PIXEL", 1.0)
INPUT_NAME: str = getattr(preprocessing, "INPUT_NAME", "image")
DYNAMIC_AXES: dict[str, dict[int, str]] = {}
BEST_METRIC = "loss"
HIGHER_IS_BETTER = False


def prepare(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the model's input for `images`.

    Raises:
        InputError: There are none, or `preprocessing.prepare` refuses them.
    """
    try:
        images = np.asarray(request["images"])
        if images.dtype.kind in "OU":
            raise ValueError("no numbers")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError('Send {"images": [...]} with images of equal size.') from error
    return {INPUT_NAME: preprocessing.prepare(images)}


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the share of right answers, if there are classes."""
    decided = decide(outputs)
    return {} if decided is None else {"accuracy": float(np.mean(decided == targets["label"]))}


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return a row for every class that occurs."""
    labels = targets["label"]
    right = np.asarray(decide(outputs) == labels)
    found = [(name, right[labels == number]) for number, name in enumerate(CLASS_NAMES)]
    return {
        name: {"examples": len(of_class), "accuracy": float(np.mean(of_class))}
        for name, of_class in found
        if len(of_class)
    }


def decide(outputs: Arrays) -> NDArray[np.int64] | None:
    """Return the likeliest class of each image; None if there are no classes."""
    (logits,) = outputs.values()
    decided: NDArray[np.int64] | None = logits.argmax(axis=-1) if _has_classes(logits) else None
    return decided


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return the class of each image and its probability."""
    (logits,) = outputs.values()
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    return [
        {"class": CLASS_NAMES[int(row.argmax())], "probability": float(row.max())}
        for row in probabilities
    ]


def _has_classes(logits: NDArray[Any]) -> bool:
    return logits.ndim == 2 and logits.shape[1] > 1
