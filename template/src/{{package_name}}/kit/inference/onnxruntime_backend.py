# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter for ONNX Runtime; needs onnxruntime and NumPy only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from ..devices import CPU, choose_device, known_devices
from ..errors import ArtefactError
from .metadata import Arrays, Metadata
from .predictor import Predictor

# The runtime's levels are 0 verbose, 1 info, 2 warning, 3 error, 4 fatal.
_LOG_ERRORS_ONLY = 3
_CUDA = "cuda"
_LIBRARY = "onnxruntime"


class OnnxRuntimePredictor(Predictor):
    """Runs an ONNX file."""

    def __init__(self, session: onnxruntime.InferenceSession, metadata: Metadata) -> None:
        """Take an open session."""
        super().__init__(metadata)
        self._session = session

    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        outputs = self._session.run(None, dict(inputs))
        names = [spec.name for spec in self.metadata.outputs]
        return dict(zip(names, outputs, strict=True))


def open_model(folder: Path, metadata: Metadata, device: str | None = None) -> Predictor:
    """Open the ONNX file for a device; what the device cannot run, the CPU does.

    Raises:
        ArtefactError: The runtime cannot open it, or it has other inputs than described.
        ConfigError: There is no such device.
    """
    path = folder / metadata.model_file
    chosen = choose_device(_LIBRARY, onnxruntime.get_available_providers(), device)
    known = known_devices(_LIBRARY)
    providers = list(dict.fromkeys([chosen, known[CPU]]))
    if chosen == known[_CUDA]:
        onnxruntime.preload_dlls()  # NVIDIA's libraries lie in packages of their own
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # the runtime's errors have no common public base class
        raise ArtefactError(f"ONNX Runtime cannot open {path}: {_first_line(error)}") from error
    metadata.check_inputs(path, [value.name for value in session.get_inputs()])
    return OnnxRuntimePredictor(session, metadata)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
