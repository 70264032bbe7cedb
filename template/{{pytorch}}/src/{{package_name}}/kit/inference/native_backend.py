# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter that runs the model in the training framework itself; needs torch and NumPy.

From the code that you own it calls `models.build_model(options)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from ...model import build_model
from ..devices import choose_device, torch_devices
from ..errors import ArtefactError
from ..memory import CPU, free_memory, require_memory
from .metadata import Arrays, Metadata, need_of
from .predictor import Predictor, outputs_of


class NativePredictor(Predictor):
    """Runs a PyTorch module."""

    def __init__(self, model: torch.nn.Module, metadata: Metadata, device: str) -> None:
        """Take a model in evaluation mode that is on a device."""
        super().__init__(metadata)
        self._model = model
        self._device = device

    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        given = {name: torch.tensor(each, device=self._device) for name, each in inputs.items()}
        with torch.inference_mode():
            outputs = outputs_of(self._model, given).values()
        names = [spec.name for spec in self.metadata.outputs]
        return {name: each.cpu().numpy() for name, each in zip(names, outputs, strict=True)}


def open_model(folder: Path, metadata: Metadata, device: str | None = None) -> Predictor:
    """Build the model and load its weights; the file cannot run code.

    Raises:
        ConfigError: There is no such device.
        NotEnoughMemoryError: It does not fit there.
        ArtefactError: The file is damaged or belongs to another model.
    """
    chosen = choose_device("torch", torch_devices(), device)
    require_memory(str(folder), need_of(folder, metadata), _free(chosen), place=chosen)
    path = folder / metadata.model_file
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        model = build_model(saved["options"])
        model.load_state_dict(saved["weights"])
    except Exception as error:  # pickle, zip and shape errors have no common base class
        raise ArtefactError(f"{path} does not fit the model's code: export it again.") from error
    return NativePredictor(model.eval().to(chosen), metadata, chosen)


def _free(device: str) -> dict[str, int]:
    """Return the free bytes of the machine, and those of an accelerator."""
    if device == "cpu":
        return {CPU: free_memory()}
    free, _ = torch.accelerator.get_memory_info(device)
    return {device: free, CPU: free_memory()}
