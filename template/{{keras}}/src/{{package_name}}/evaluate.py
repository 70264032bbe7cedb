"""How good a model is on samples with known labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import Config
from .data import Samples
from .kit.keras_backend import computing_on, keras
from .kit.reproducibility import make_reproducible
from .kit.tracking import Run
from .kit.tracking.store import CONFIG_FILE
from .kit.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, load_weights
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


def load_run(run: Run, *, last: bool = False) -> tuple[Config, keras.Model]:
    """Return the configuration of a run and its model, on the CPU.

    Args:
        run: The run.
        last: Whether to take the last epoch's weights, not the best one's.

    Raises:
        ConfigError: The code no longer knows a setting of the run.
        RunError: The checkpoint is missing or does not fit the code.
    """
    config = Config.from_file(run.folder / CONFIG_FILE)
    file = run.folder / (CHECKPOINT_FILE if last else BEST_FILE)
    keras.utils.clear_session(free_memory=False)  # names of layers, which files hold, start anew
    make_reproducible(config.seed, config.threads)  # before anything is computed
    with computing_on("cpu"):
        model = build_model(config.model.model_dump())
        load_weights(file, model)
    return config, model


def compute_logits(model: keras.Model, samples: Samples) -> NDArray[np.float32]:
    """Returns the logits (N, classes), computed where the model is."""
    starts = range(0, len(samples), _BATCH_SIZE)
    batches = [samples.inputs[at : at + _BATCH_SIZE] for at in starts]
    with computing_on(model.weights[0].value.device):
        logits: NDArray[np.float32] = np.concatenate(
            [model.predict_on_batch(batch) for batch in batches]
        )
    return logits


def evaluate(model: keras.Model, samples: Samples) -> Evaluation:
    """Evaluates the model on all samples."""
    logits = compute_logits(model, samples)
    with computing_on("cpu"):
        losses = keras.ops.convert_to_numpy(
            keras.losses.sparse_categorical_crossentropy(samples.labels, logits, from_logits=True)
        )
    right = logits.argmax(axis=1) == samples.labels
    classes = [(name, samples.labels == number) for number, name in enumerate(CLASS_NAMES)]
    return Evaluation(
        images=len(samples),
        accuracy=float(right.mean()),
        loss=float(losses.mean()),
        per_class={
            name: {"images": int(mask.sum()), "accuracy": float(np.mean(right[mask]))}
            for name, mask in classes
            if mask.any()
        },
    )
