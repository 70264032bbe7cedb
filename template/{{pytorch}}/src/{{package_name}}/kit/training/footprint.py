# Owned by the template: every update rewrites this file. Your training step: train.py.
"""What a step of the project's own training takes of memory."""

from __future__ import annotations

from ...config import Config
from ...data import load_splits
from ...train import Trainer
from ..footprint import measured
from ..plan import Model
from . import speed


def measure(config: Config) -> Model:
    """Train for two steps, record nothing, and return what a step takes.

    Raises:
        ProjectError: The data, the device or a setting is not fit.
    """
    plain = config.training.model_copy(update={"compile": False, "strategy": "single"})
    trainer = Trainer.build(
        config.model_copy(update={"training": plain}), load_splits(config.data).train
    )
    group = next(iter(trainer.epoch(0)))
    trainer.model.train()
    return measured(
        trainer.model,
        lambda: trainer.optimizer,
        lambda: trainer.train_step(group),
        speed.blocks(trainer.model),
    )
