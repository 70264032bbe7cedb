"""How far diabetes goes on in a year, from ten measurements: a regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

SCHEME: dict[str, Any] = {"name": "diabetes"}
DYNAMIC_AXES: dict[str, dict[int, str]] = {}
BEST_METRIC = "rmse"
HIGHER_IS_BETTER = False


def generate(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    """Return all inputs and targets."""
    from sklearn.datasets import load_diabetes

    features, values = load_diabetes(return_X_y=True)
    order = random.permutation(len(values))
    inputs = prepare({"rows": features[order]})
    return inputs, {"progression": (values[order] / 100).astype(np.float32)}


def prepare(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the model's inputs for `rows`."""
    try:
        return {"features": np.asarray(request["rows"], dtype=np.float32).reshape(-1, 10)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError('Give {"rows": [...]} of ten numbers each.') from error


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the root of the mean squared error."""
    errors = outputs["output"] - targets["progression"]
    return {"rmse": float(np.sqrt(np.mean(errors**2)))}


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return nothing."""
    return {}


def decide(outputs: Arrays) -> NDArray[Any] | None:
    """Return None, as a regression decides nothing."""
    return None


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return each value."""
    return [{"progression": float(value)} for value in outputs["output"]]
