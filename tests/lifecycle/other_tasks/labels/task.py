"""Which of three labels an example has: none, some or all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

NAMES = ("first", "second", "third")
SCHEME: dict[str, Any] = {"name": "labels", "labels": [*NAMES]}
DYNAMIC_AXES: dict[str, dict[int, str]] = {}
BEST_METRIC = "f1"
HIGHER_IS_BETTER = True


def generate(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    """Return all inputs and targets."""
    features = random.normal(size=(300, 6))
    return prepare({"rows": features}), {"labels": (features[:, :3] > 0).astype(np.float32)}


def prepare(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the model's inputs for `rows`."""
    try:
        return {"features": np.asarray(request["rows"], dtype=np.float32).reshape(-1, 6)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError('Give {"rows": [...]} of six numbers each.') from error


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return F1 over all labels."""
    found, right = decide(outputs), targets["labels"] > 0
    return {"f1": float(2 * (found & right).sum() / max(1, found.sum() + right.sum()))}


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return how often each label occurs and is found."""
    found, right = decide(outputs), targets["labels"] > 0
    return {
        name: {"examples": int(right[:, at].sum()), "found": int(found[:, at].sum())}
        for at, name in enumerate(NAMES)
    }


def decide(outputs: Arrays) -> NDArray[np.bool_]:
    """Return which labels are given."""
    return outputs["logits"] > 0


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return the labels of each example."""
    return [
        {"labels": [name for name, given in zip(NAMES, row, strict=True) if given]}
        for row in decide(outputs)
    ]
