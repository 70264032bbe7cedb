# Owned by the template: every update rewrites this file. New code imports it from kit/.
"""Predictions of models with one input and named classes, as code from before kit/ asks for them.

`kit.inference` opens the same models, and knows others too.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, cast

from ..kit import inference as _kit
from ..kit.inference import DEFAULT_BATCH_SIZE, predict_in_batches
from .metadata import PARITY_FILE, InputSchema, Metadata, read_metadata, write_metadata
from .parity import ParityReport, check_parity, describe_parity, write_parity

__all__ = [
    "DEFAULT_BATCH_SIZE",
    "PARITY_FILE",
    "InputSchema",
    "Metadata",
    "ParityReport",
    "Predictor",
    "check_parity",
    "describe_parity",
    "load",
    "predict_in_batches",
    "read_metadata",
    "write_metadata",
    "write_parity",
]


class Predictor(_kit.Predictor):
    """A loaded model of one input; `_run` takes its array and returns that of the logits."""

    metadata: Any

    def predict(self, inputs: Any) -> Any:
        """Return the logits (N, classes) of the inputs (N, *metadata.input.shape)."""
        self._check({self.metadata.input.name: inputs})
        return self._run(inputs)

    @abstractmethod
    def _run(self, inputs: Any) -> Any:
        """Run the model on inputs that are checked already."""


def load(folder: Path | str, device: str | None = None) -> Predictor:
    """Open an exported model as `kit.inference.load` does; its metadata have names of classes."""
    predictor: Any = _kit.load(folder, device)
    predictor.metadata = read_metadata(Path(folder))
    return cast(Predictor, predictor)
