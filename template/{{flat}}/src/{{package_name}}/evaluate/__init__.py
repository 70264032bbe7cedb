# Owned by the template: every update rewrites this file. Your code: `training.evaluate`.
"""Hand on what `training.evaluate` has, under its name in newer projects."""

from typing import Any

from ..kit.bridges import prefer_own
from ..training import evaluate as _own
from ..training.evaluate import *  # noqa: F403


def compute_outputs(model: Any, samples: Any) -> dict[str, Any]:
    """Return the outputs by name, as newer commands ask for them."""
    import numpy as np

    compute_logits: Any = vars(_own)["compute_logits"]
    return {"logits": np.asarray(compute_logits(model, samples))}


prefer_own(__name__)
