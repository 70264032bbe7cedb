# Owned by the template: every update rewrites this file. What your own data is: data.py.
"""What a model is trained with: samples of any task, in named arrays, and their three parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Samples:
    """Named inputs of the model and named targets, with an example in each row of all."""

    inputs: Arrays
    targets: Arrays

    def __len__(self) -> int:
        """Return N."""
        return len(next(iter(self.targets.values())))

    def __getitem__(self, which: slice | NDArray[np.int64]) -> Samples:
        """Return some of the samples."""
        parts = (self.inputs, self.targets)
        return Samples(*({name: each[name][which] for name in each} for each in parts))


@dataclass(frozen=True)
class Splits:
    """The three parts of the data.

    Attributes:
        train: What the model learns from.
        val: What chooses: the best epoch, and settings.
        test: What chooses nothing, so that what is reported of it is true of new data.
        sha256: Of the file of all three.
    """

    train: Samples
    val: Samples
    test: Samples
    sha256: str

    @classmethod
    def at_random(
        cls, samples: Samples, sha256: str, *, val_fraction: float, test_fraction: float, seed: int
    ) -> Self:
        """Split samples, each time in the same way.

        Args:
            samples: All of them.
            sha256: Of their file.
            val_fraction: Share of them that goes into `val`.
            test_fraction: Share of them that goes into `test`.
            seed: What decides where a sample goes.

        Raises:
            DataError: None is left to train on.
        """
        count = len(samples)
        test = count - math.ceil(test_fraction * count)
        val = test - math.ceil(val_fraction * count)
        if val < 1:
            raise DataError(
                "data.val_fraction and data.test_fraction leave nothing to train on: make one "
                "smaller."
            )
        mixed = samples[np.random.default_rng(seed).permutation(count)]
        return cls(mixed[:val], mixed[val:test], mixed[test:], sha256)
