"""How good a model is on samples whose targets are known."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from .config import Config
from .kit.inference import in_batches, outputs_of
from .kit.tracking import Run
from .kit.tracking.store import CONFIG_FILE
from .kit.training import Samples
from .kit.training.saved import Opened, open_run
from .model import KIND, exact_tokenizer
from .task import Arrays, metrics, prepare

_BATCH_SIZE = 256


def load_run(run: Run, *, last: bool = False) -> tuple[Config, Opened]:
    """Return the configuration of a run and its model, on the CPU and in evaluation mode.

    Args:
        run: The run.
        last: Whether to take the last epoch's weights, not the best one's.

    Raises:
        ConfigError: The code no longer knows a setting of the run.
        RunError: The checkpoint is missing or does not fit the code.
    """
    return Config.from_file(run.folder / CONFIG_FILE), open_run(run, last=last, kind=KIND)


def inputs_of(opened: Opened, samples: Samples) -> dict[str, NDArray[Any]]:
    """Return what the model takes for samples: tokens, as in production."""
    return dict(prepare({"texts": samples.inputs["text"]}, exact_tokenizer(opened.tokenizer)))


def compute_outputs(opened: Opened, samples: Samples) -> dict[str, NDArray[Any]]:
    """Return the outputs for all samples."""

    def run(inputs: Arrays) -> dict[str, NDArray[Any]]:
        given = {name: torch.from_numpy(each) for name, each in inputs.items()}
        with torch.no_grad():
            return {name: each.numpy() for name, each in outputs_of(opened.model, given).items()}

    return in_batches(run, inputs_of(opened, samples), _BATCH_SIZE)


def measure(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the loss, the mean cross-entropy in nats as in training, and the metrics."""
    logits, labels = torch.from_numpy(outputs["logits"]), torch.from_numpy(targets["label"])
    return {"loss": float(cross_entropy(logits, labels)), **metrics(outputs, targets)}


def evaluate(opened: Opened, samples: Samples) -> dict[str, float]:
    """Return the loss and the metrics of the model on all samples."""
    return measure(compute_outputs(opened, samples), samples.targets)
