# Owned by the template: every update rewrites this file. What goes in: commands/export.py.
"""Writes ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from ..errors import ExportError

if TYPE_CHECKING:
    from .artefact import ExportRequest

# The opset that torch.onnx implements natively; a newer one would go through a converter.
OPSET = 18

FORMAT = "onnx"
MODEL_FILE = "model.onnx"
FORMAT_OPTIONS: Mapping[str, Any] = {"opset": OPSET}

# With one example the exporter could take the batch for a constant.
_EXAMPLES = 2


def write_model(request: ExportRequest, path: Path) -> None:
    """Writes the model with a free batch size.

    Raises:
        ExportError: The exporter cannot translate the model.
    """
    example = torch.from_numpy(np.repeat(request.inputs[:1], _EXAMPLES, axis=0))
    try:
        with _quiet():
            program = torch.onnx.export(
                request.model,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[request.input.name],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
            cast(torch.onnx.ONNXProgram, program).save(path)
    except Exception as error:  # the exporter passes on errors of every kind
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"The model cannot be exported to ONNX: {reason}") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's progress, warnings and log lines away from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
