# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Writes a folder for OpenVINO GenAI: the model, and its tokenizer as two models beside it.

optimum-intel does it. It needs an older Transformers than the training stack has, so it works in an
environment of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..generation import Generator
from ..generation.openvino_genai_backend import FORMAT, MODEL_FILE, open_folder
from ..training.saved import save
from .artifact import ExportRequest, Precision
from .environments import run_apart

__all__ = ["FORMAT", "FORMAT_OPTIONS", "MODEL_FILE", "PRECISIONS", "open_model", "write_model"]

EXPORTER = "openvino-genai"
FORMAT_OPTIONS: Mapping[str, Any] = {"ir_version": 11}

# Layers are merged, which rounds in other places than the framework does. The others are what
# weights of 8 and of 4 bits leave; perplexity and agreement tell more there.
PRECISIONS: Mapping[str, Precision] = {
    "float32": Precision(tolerance=1e-4, relative=1e-5, exporter=EXPORTER),
    "int8": Precision(tolerance=0.5, agreement=0.9, equal_text=False, exporter=EXPORTER),
    "int4": Precision(tolerance=4.0, agreement=0.6, equal_text=False, exporter=EXPORTER),
}
# It names files that optimum-intel has read, in this folder; nothing reads it.
_OF_THE_CONVERSION = "openvino_config.json"


def write_model(request: ExportRequest, path: Path, precision: str) -> None:
    """Write all files of the folder.

    Raises:
        ExportError: It cannot be converted, or its environment cannot be had here.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        save(request.model, request.tokenizer, source)
        run_apart(EXPORTER, "openvino_genai_worker", source, made, precision)
        (made / _OF_THE_CONVERSION).unlink(missing_ok=True)
        for file in made.iterdir():
            file.replace(path.with_name(file.name))


def open_model(path: Path) -> Generator:
    """Open the folder, computing on the CPU with one thread."""
    return open_folder(path.parent, chat=False, threads=1, device="cpu")
