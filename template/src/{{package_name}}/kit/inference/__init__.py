# Owned by the template: every update rewrites this file. Your own code goes beside kit/.
"""Predictions with an exported model, without the training framework.

`load(folder)` returns a `Predictor` for whatever format the folder holds.
"""

from .metadata import PARITY_FILE, Arrays, Metadata, TensorSpec, read_metadata, write_metadata
from .parity import ParityReport, check_parity, describe_parity, write_parity
from .predictor import (
    DEFAULT_BATCH_SIZE,
    Predictor,
    in_batches,
    load,
    outputs_of,
    predict_in_batches,
    preparation,
)

__all__ = [
    "DEFAULT_BATCH_SIZE",
    "PARITY_FILE",
    "Arrays",
    "Metadata",
    "ParityReport",
    "Predictor",
    "TensorSpec",
    "check_parity",
    "describe_parity",
    "in_batches",
    "load",
    "outputs_of",
    "predict_in_batches",
    "preparation",
    "read_metadata",
    "write_metadata",
    "write_parity",
]
