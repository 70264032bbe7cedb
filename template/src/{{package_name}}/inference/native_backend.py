# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter that runs the model in the training framework itself; needs torch and NumPy.

From the code that you own it calls `models.build_model(options)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ArtefactError
from ..models import build_model
from .metadata import Metadata
from .predictor import Predictor


class NativePredictor(Predictor):
    """Runs a PyTorch module on the CPU."""

    def __init__(self, model: torch.nn.Module, metadata: Metadata) -> None:
        """Takes a model in evaluation mode."""
        super().__init__(metadata)
        self._model = model

    def _run(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = self._model(torch.tensor(inputs)).numpy()
        return logits


def open_model(folder: Path, metadata: Metadata) -> Predictor:
    """Builds the model and loads its weights; the file cannot run code.

    Raises:
        ArtefactError: The file is damaged or belongs to another model.
    """
    path = folder / metadata.model_file
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        model = build_model(saved["options"])
        model.load_state_dict(saved["weights"])
    except Exception as error:  # pickle, zip and shape errors have no common base class
        raise ArtefactError(f"{path} does not fit the code in models/: export it again.") from error
    return NativePredictor(model.eval(), metadata)
