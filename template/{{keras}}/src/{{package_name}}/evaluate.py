"""How good a model is on samples whose targets are known."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .config import Config
from .kit.inference import in_batches, outputs_of
from .kit.keras_backend import by_name, computing_on, keras
from .kit.reproducibility import make_reproducible
from .kit.tracking import Run
from .kit.tracking.store import CONFIG_FILE
from .kit.training import Samples
from .kit.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, load_weights
from .model import build_model, loss
from .task import Arrays, metrics

_BATCH_SIZE = 512


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


def compute_outputs(model: keras.Model, samples: Samples) -> dict[str, NDArray[Any]]:
    """Return the outputs for all samples, computed where the model is."""

    def run(inputs: Arrays) -> dict[str, NDArray[Any]]:
        return outputs_of(by_name(model.predict_on_batch), inputs)

    with computing_on(model.weights[0].value.device):
        return in_batches(run, samples.inputs, _BATCH_SIZE)


def measure(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the loss and the metrics."""
    with computing_on("cpu"):
        return {"loss": float(loss(outputs, targets)), **metrics(outputs, targets)}


def evaluate(model: keras.Model, samples: Samples) -> dict[str, float]:
    """Return the loss and the metrics of the model on all samples."""
    return measure(compute_outputs(model, samples), samples.targets)
