"""Which pixels of an image of any size are bright, and how far each one is from white."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kit.errors import InputError

Arrays = Mapping[str, NDArray[Any]]

SCHEME: dict[str, Any] = {"name": "pixels"}
SIZES = {2: "height", 3: "width"}
DYNAMIC_AXES = {"image": SIZES, "bright": SIZES, "distance": SIZES}
BEST_METRIC = "overlap"
HIGHER_IS_BETTER = True


def generate(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    """Return all inputs and targets."""
    images = random.random((80, 6, 10))
    inputs = prepare({"images": images})
    targets = {"mask": inputs["image"] > 0.5, "distance": 1 - inputs["image"]}
    return inputs, {name: each.astype(np.float32) for name, each in targets.items()}


def prepare(request: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the model's inputs for `images` of one size."""
    try:
        images = np.asarray(request["images"], dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError('Give {"images": [...]} of one size.') from error
    if images.ndim != 3:
        raise InputError("Images must have shape (N, height, width).")
    return {"image": images[:, None]}


def metrics(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the share of pixels of either mask that both have."""
    found, right = decide(outputs), targets["mask"] > 0
    return {"overlap": float((found & right).sum() / max(1, (found | right).sum()))}


def details(outputs: Arrays, targets: Arrays) -> dict[str, dict[str, float]]:
    """Return nothing."""
    return {}


def decide(outputs: Arrays) -> NDArray[np.bool_]:
    """Return the mask."""
    return outputs["bright"] > 0


def decode(outputs: Arrays) -> list[dict[str, Any]]:
    """Return the mask of each image, and all its distances."""
    pairs = zip(decide(outputs), outputs["distance"], strict=True)
    return [{"mask": mask[0].tolist(), "distance": each[0].tolist()} for mask, each in pairs]
