# Owned by the template: every update rewrites this file. Your training step: train.py.
"""What a step of the project's own training takes of memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ... import data
from ...config import Config
from ...train import build, make_arguments, make_trainer
from ..footprint import measured
from ..plan import Model


def measure(config: Config) -> Model:
    """Train for two steps, record nothing, and return what a step takes.

    Raises:
        ProjectError: The data, the base, the device or an argument is not fit.
    """
    load: Any = getattr(data, "load_texts", None) or getattr(data, "load_splits")  # noqa: B009
    parts = build(config, load(config.data))
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(
            make_arguments(config, Path(folder), config.training.arguments), parts
        )
        batch = next(iter(trainer.get_train_dataloader()))
        trainer.create_optimizer_and_scheduler(num_training_steps=2)
        trainer.current_gradient_accumulation_steps = 1  # as `trainer.train()` would say

        def step() -> None:
            trainer.training_step(trainer.model, dict(batch))
            trainer.optimizer.step()
            trainer.model.zero_grad()

        found = measured(trainer.model, lambda: trainer.optimizer, step, _blocks(trainer.model))
    return replace(found, buckets=found.gradients)  # Accelerate lets ddp have its own


def _blocks(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a transformer, which Transformers keeps in a list."""
    for child in model.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield from _blocks(child)
