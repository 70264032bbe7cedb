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


def measure(outputs: Any, targets: Any) -> dict[str, float]:
    """Return the loss of each class's logits, or else the mean squared difference."""
    import numpy as np

    logits, labels = outputs["logits"], np.asarray(targets["label"])
    if labels.dtype.kind in "iu" and logits.ndim == 2:
        shifted = logits - logits.max(axis=1, keepdims=True)
        shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return {"loss": float(-shares[np.arange(len(labels)), labels].mean())}
    return {"loss": float(np.mean((logits.ravel() - labels.ravel()) ** 2))}


prefer_own(__name__)
