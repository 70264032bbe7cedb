"""Samples that `task.py` makes, in three parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .config import DataConfig
from .kit.training import Samples, Splits
from .task import generate


def create(path: Path, *, accept: bool = False) -> str:
    """Write nothing, as all is made anew each time."""
    return "0" * 64


def load_splits(config: DataConfig) -> Splits:
    """Make all samples and split them."""
    samples = Samples(*generate(np.random.default_rng(config.split_seed)))
    val, test = len(samples) * 6 // 10, len(samples) * 8 // 10
    return Splits(samples[:val], samples[val:test], samples[test:], "0" * 64)
