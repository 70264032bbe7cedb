# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter that runs the model in Keras itself; needs keras, its backend and NumPy.

From the code that you own it calls `models.build_model(options)`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...model import build_model
from ..devices import choose_device, torch_devices
from ..errors import ArtefactError
from ..files import read_json
from ..keras_backend import by_name, computing_on, keras
from ..memory import CPU, free_memory, require_memory
from .metadata import Arrays, Metadata, need_of
from .predictor import Predictor, outputs_of

OPTIONS_FILE = "options.json"


class NativePredictor(Predictor):
    """Runs a model of Keras."""

    def __init__(self, model: keras.Model, metadata: Metadata, device: str) -> None:
        """Take a model that is on a device."""
        super().__init__(metadata)
        self._model = model
        self._device = device

    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        with computing_on(self._device):
            outputs = outputs_of(by_name(self._model.predict_on_batch), inputs).values()
        names = [spec.name for spec in self.metadata.outputs]
        return dict(zip(names, outputs, strict=True))


def open_model(folder: Path, metadata: Metadata, device: str | None = None) -> Predictor:
    """Build the model and load its weights; the files cannot run code.

    Raises:
        ConfigError: There is no such device.
        NotEnoughMemoryError: It does not fit there.
        ArtefactError: A file is damaged or belongs to another model.
    """
    library = keras.backend.backend()
    here = torch_devices() if library == "torch" else ["cpu"]
    chosen = choose_device(library, here, device)
    require_memory(str(folder), need_of(folder, metadata), _free(chosen), place=chosen)
    path = folder / metadata.model_file
    try:
        with computing_on(chosen):
            model = build_model(read_json(folder / OPTIONS_FILE))
            model.load_weights(path)
    except Exception as error:  # h5py's and Keras's errors have no common base class
        raise ArtefactError(f"{path} does not fit the model's code: export it again.") from error
    return NativePredictor(model, metadata, chosen)


def _free(device: str) -> dict[str, int]:
    """Return the free bytes of the machine, and those of an accelerator."""
    if device == "cpu":
        return {CPU: free_memory()}
    torch: Any = importlib.import_module("torch")  # which is not there with JAX
    free, _ = torch.accelerator.get_memory_info(device)
    return {device: free, CPU: free_memory()}
