# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes a folder as Transformers reads it: safetensors, configuration, tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..generation import Generator
from ..generation.transformers_backend import FORMAT, open_folder
from ..training.saved import save
from .artifact import ExportRequest, Precision

__all__ = ["FORMAT", "FORMAT_OPTIONS", "MODEL_FILE", "PRECISIONS", "open_model", "write_model"]

MODEL_FILE = "model.safetensors"
FORMAT_OPTIONS: Mapping[str, Any] = {"code": "none"}

# Prompts of another length may be summed in another order.
PRECISIONS: Mapping[str, Precision] = {"float32": Precision(tolerance=1e-4, relative=1e-5)}


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write model and tokenizer; large models come in several files."""
    save(request.model, request.tokenizer, path.parent)


def open_model(path: Path) -> Generator:
    """Open the folder, computing with one thread."""
    return open_folder(path.parent, chat=False, threads=1, device="cpu")
