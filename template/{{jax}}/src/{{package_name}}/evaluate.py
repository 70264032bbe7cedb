"""How good a model is on samples with known labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from .config import Config
from .data import Samples
from .kit.reproducibility import make_reproducible
from .kit.tracking import Run
from .kit.tracking.store import CONFIG_FILE
from .kit.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, load_weights
from .model import Model, build_model
from .preprocessing import CLASS_NAMES

_BATCH_SIZE = 512


@dataclass(frozen=True)
class TrainedModel:
    """A model with its weights; called with inputs it returns the logits."""

    model: Model
    weights: Any

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Returns the logits (N, classes)."""
        logits: jax.Array = _forward(self.model, self.weights, inputs)
        return logits


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


def load_run(run: Run, *, last: bool = False) -> tuple[Config, TrainedModel]:
    """Return the configuration of a run and its model.

    Args:
        run: The run.
        last: Whether to take the last epoch's weights, not the best one's.

    Raises:
        ConfigError: The code no longer knows a setting of the run.
        RunError: The checkpoint is missing or does not fit the code.
    """
    config = Config.from_file(run.folder / CONFIG_FILE)
    file = run.folder / (CHECKPOINT_FILE if last else BEST_FILE)
    make_reproducible(config.seed, config.threads)  # before anything is computed
    model = build_model(config.model.model_dump())
    shapes = jax.eval_shape(model.init, jax.random.key(config.seed))
    return config, TrainedModel(model, load_weights(file, shapes))


def compute_logits(model: TrainedModel, samples: Samples) -> NDArray[np.float32]:
    """Returns the logits (N, classes)."""
    starts = range(0, len(samples), _BATCH_SIZE)
    batches = [jnp.asarray(samples.inputs[at : at + _BATCH_SIZE]) for at in starts]
    return np.concatenate([np.asarray(model(batch)) for batch in batches])


def evaluate(model: TrainedModel, samples: Samples) -> Evaluation:
    """Evaluates the model on all samples."""
    logits = compute_logits(model, samples)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, samples.labels)
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


@partial(jax.jit, static_argnums=0)
def _forward(model: Model, weights: Any, inputs: jax.Array) -> jax.Array:
    return model.apply(weights, inputs)
