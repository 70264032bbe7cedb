"""How good a model is on samples whose targets are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from .config import Config
from .kit.inference import in_batches, outputs_of
from .kit.reproducibility import make_reproducible
from .kit.tracking import Run
from .kit.tracking.store import CONFIG_FILE
from .kit.training import Samples
from .kit.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, load_weights
from .model import Model, build_model, loss
from .task import Arrays, metrics

_BATCH_SIZE = 512


@dataclass(frozen=True)
class TrainedModel:
    """A model with its weights; called with its inputs it returns its outputs."""

    model: Model
    weights: Any

    def __call__(self, *alone: Any, **named: Any) -> Any:
        """Return what the model does for one input, or for several by name."""
        return _forward(self.model, self.weights, alone, named)


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


def compute_outputs(model: TrainedModel, samples: Samples) -> dict[str, NDArray[Any]]:
    """Return the outputs for all samples."""

    def run(inputs: Arrays) -> dict[str, NDArray[Any]]:
        return {name: np.asarray(each) for name, each in outputs_of(model, inputs).items()}

    return in_batches(run, samples.inputs, _BATCH_SIZE)


def measure(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the loss and the metrics."""
    numbers = [jax.tree.map(jnp.asarray, dict(arrays)) for arrays in (outputs, targets)]
    return {"loss": float(loss(*numbers)), **metrics(outputs, targets)}


def evaluate(model: TrainedModel, samples: Samples) -> dict[str, float]:
    """Return the loss and the metrics of the model on all samples."""
    return measure(compute_outputs(model, samples), samples.targets)


@partial(jax.jit, static_argnums=0)
def _forward(model: Model, weights: Any, alone: Any, named: Any) -> Any:
    return model.apply(weights, *alone, **named)
