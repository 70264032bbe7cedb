"""How good a model is on samples with known labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .config import Config
from .data import Samples
from .kit.tracking import Run
from .kit.tracking.store import CHECKPOINT_FILE, CONFIG_FILE
from .kit.training.checkpoint import BEST_FILE, load_weights
from .model import build_model
from .preprocessing import CLASS_NAMES

_BATCH_SIZE = 512


@dataclass(frozen=True)
class Evaluation:
    """Results on some samples.

    Attributes:
        images: Number of samples.
        accuracy: Share of right answers, 0 to 1.
        loss: Mean cross-entropy in nats.
        per_class: Number of samples and accuracy for every class that occurs.
    """

    images: int
    accuracy: float
    loss: float
    per_class: dict[str, dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Returns all values, ready for JSON."""
        return asdict(self)


def load_run(run: Run, *, last: bool = False) -> tuple[Config, nn.Module]:
    """Return the configuration of a run and its model, on the CPU and in evaluation mode.

    Args:
        run: The run.
        last: Whether to take the last epoch's weights, not the best one's.

    Raises:
        ConfigError: The code no longer knows a setting of the run.
        RunError: The checkpoint is missing or does not fit the code.
    """
    config = Config.from_file(run.folder / CONFIG_FILE)
    file = run.folder / (CHECKPOINT_FILE if last else BEST_FILE)
    model = build_model(config.model.model_dump())
    load_weights(file, model)
    return config, model.eval()


def compute_logits(model: nn.Module, samples: Samples) -> NDArray[np.float32]:
    """Returns the logits (N, classes); leaves the model in evaluation mode."""
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        batches = torch.from_numpy(samples.inputs).split(_BATCH_SIZE)
        logits = torch.cat([model(batch.to(device)).cpu() for batch in batches])
    numbers: NDArray[np.float32] = logits.numpy()
    return numbers


def evaluate(model: nn.Module, samples: Samples) -> Evaluation:
    """Evaluates the model on all samples."""
    logits = compute_logits(model, samples)
    loss = nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(samples.labels))
    right = logits.argmax(axis=1) == samples.labels
    classes = [(name, samples.labels == number) for number, name in enumerate(CLASS_NAMES)]
    return Evaluation(
        images=len(samples),
        accuracy=float(right.mean()),
        loss=float(loss),
        per_class={
            name: {"images": int(mask.sum()), "accuracy": float(np.mean(right[mask]))}
            for name, mask in classes
            if mask.any()
        },
    )
