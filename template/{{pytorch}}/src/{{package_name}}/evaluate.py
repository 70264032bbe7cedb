"""How good a model is on samples whose targets are known."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from .config import Config
from .kit.inference import in_batches, outputs_of
from .kit.tracking import Run
from .kit.tracking.store import CHECKPOINT_FILE, CONFIG_FILE
from .kit.training import Samples
from .kit.training.checkpoint import BEST_FILE, load_weights
from .model import build_model, loss
from .task import Arrays, metrics

_BATCH_SIZE = 512


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


def compute_outputs(model: nn.Module, samples: Samples) -> dict[str, NDArray[Any]]:
    """Return the outputs for all samples; leave the model in evaluation mode."""
    device = next(model.parameters()).device
    model.eval()

    def run(inputs: Arrays) -> dict[str, NDArray[Any]]:
        given = {name: torch.from_numpy(each).to(device) for name, each in inputs.items()}
        with torch.no_grad():
            return {name: each.cpu().numpy() for name, each in outputs_of(model, given).items()}

    return in_batches(run, samples.inputs, _BATCH_SIZE)


def measure(outputs: Arrays, targets: Arrays) -> dict[str, float]:
    """Return the loss and the metrics."""
    tensors = [
        {name: torch.from_numpy(array) for name, array in arrays.items()}
        for arrays in (outputs, targets)
    ]
    return {"loss": float(loss(*tensors)), **metrics(outputs, targets)}


def evaluate(model: nn.Module, samples: Samples) -> dict[str, float]:
    """Return the loss and the metrics of the model on all samples."""
    return measure(compute_outputs(model, samples), samples.targets)
