# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes the weights in the training framework's own format, as plain tensors without code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .artifact import FLOAT32, ExportRequest, Precision

FORMAT = "pytorch"
MODEL_FILE = "model.pt"
FORMAT_OPTIONS: Mapping[str, Any] = {}

# Batches of another size may be summed in another order.
PRECISIONS: Mapping[str, Precision] = {"float32": FLOAT32}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write the options of `models.build_model` and the weights."""
    content = {"options": dict(request.options), "weights": request.model.state_dict()}
    torch.save(content, path)
