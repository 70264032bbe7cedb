# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The adapter for OpenVINO; needs openvino and NumPy only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..devices import choose_device
from ..errors import ArtefactError
from ..openvino_api import without_statistics
from .metadata import Arrays, Metadata, TensorSpec
from .predictor import Predictor, in_batches

with without_statistics() as openvino:
    _CORE = openvino.Core()

# Some CPUs and GPUs compute in bfloat16 or float16 unless told, and then answer otherwise.
_FULL_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}

# It computes in half precision only, and in batches of one size only.
_NPU = "NPU"


class OpenVinoPredictor(Predictor):
    """Runs a model in OpenVINO's format."""

    def __init__(self, model: Any, metadata: Metadata, batch: int | None = None) -> None:
        """Take a compiled model, and the only batch size that it takes, if there is one."""
        super().__init__(metadata)
        self._model = model
        self._batch = batch

    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        return (
            in_batches(self._compute, inputs, self._batch) if self._batch else self._compute(inputs)
        )

    def _compute(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        outputs = self._model(dict(inputs))
        # Copies, as the runtime writes the next result into the same memory.
        return {spec.name: outputs[at].copy() for at, spec in enumerate(self.metadata.outputs)}


def open_model(folder: Path, metadata: Metadata, device: str | None = None) -> Predictor:
    """Compile the model for a device.

    Raises:
        ArtefactError: The runtime cannot open it, or it has other inputs than described.
        ConfigError: There is no such device.
    """
    path = folder / metadata.model_file
    here = {name.partition(".")[0] for name in _CORE.available_devices}
    chosen = choose_device("openvino", here, device)
    batch = 1 if chosen == _NPU else None
    try:
        model = _CORE.read_model(path)
        if batch:
            model.reshape({spec.name: _fixed(spec, batch) for spec in metadata.inputs})
        compiled = _CORE.compile_model(model, chosen, {} if chosen == _NPU else _FULL_PRECISION)
    except Exception as error:  # the runtime raises RuntimeError for everything
        raise ArtefactError(f"OpenVINO cannot open {path}: {_last_line(error)}") from error
    described = {spec.name for spec in metadata.inputs}
    # A converter gives an input also the names of what it left out after it.
    found = [next(iter(each.names & described), each.any_name) for each in model.inputs]
    metadata.check_inputs(path, found)
    return OpenVinoPredictor(compiled, metadata, batch)


def _fixed(spec: TensorSpec, batch: int) -> Any:
    sizes = [-1 if isinstance(size, str) else size for size in spec.shape]
    return openvino.PartialShape([batch, *sizes])


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
