# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""Open an exported model with the adapter of its format, and predict with it."""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from ..answers import load_answers
from ..errors import ArtefactError, InputError, UnknownFormatError
from ..memory import CPU, free_memory, require_memory
from .metadata import Metadata, need_of, read_metadata

DEFAULT_BATCH_SIZE = 256

# Format of the model file -> module of its adapter. A project has only the modules it needs. What
# the training framework itself runs is in a format of the framework's name.
_ADAPTERS = {
    "onnx": "onnxruntime_backend",
    "openvino": "openvino_backend",
    load_answers().training: "native_backend",
}


class Predictor(ABC):
    """A loaded model. Use it as a context manager, or call `close()`."""

    def __init__(self, metadata: Metadata) -> None:
        """Keep the description of the model."""
        self.metadata = metadata

    def predict(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the logits (N, classes) of the inputs (N, *metadata.input.shape).

        Raises:
            InputError: the shape or the element type is not what the model takes.
        """
        schema = self.metadata.input
        if inputs.ndim == 0 or inputs.shape[1:] != schema.shape or len(inputs) == 0:
            sizes = ", ".join(str(size) for size in schema.shape)
            raise InputError(
                f"The model takes inputs of shape (N, {sizes}) with N > 0, not {inputs.shape}."
            )
        if inputs.dtype != np.dtype(schema.dtype):
            raise InputError(f"The model takes {schema.dtype} inputs, not {inputs.dtype}.")
        return self._run(inputs)

    @abstractmethod
    def _run(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Run the model on inputs that are checked already."""

    def close(self) -> None:  # noqa: B027 - most runtimes have nothing to release
        """Release what the runtime holds."""

    def __enter__(self) -> Self:
        """Return the predictor itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the predictor."""
        self.close()


class Adapter(Protocol):
    """What an adapter module offers."""

    def open_model(self, folder: Path, metadata: Metadata, device: str | None) -> Predictor:
        """Open the model file that `metadata` names."""


def load(folder: Path | str, device: str | None = None) -> Predictor:
    """Check the files of an exported model and open it.

    Args:
        folder: What `export` wrote.
        device: What shall run it, as `devices.choose_device` takes it.

    Raises:
        ArtefactError: the folder is incomplete or changed, or its runtime is not installed.
        ConfigError: there is no such device.
        NotEnoughMemoryError: the model does not fit.
        UnknownFormatError: this project has no adapter for the format.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ArtefactError(f"{folder} is not a folder: export a model first.")
    metadata = read_metadata(folder)
    adapter = _adapter(metadata.format, folder)
    # Whatever the device is, the files pass through the memory of the machine.
    require_memory(str(folder), need_of(folder, metadata), {CPU: free_memory()})
    return adapter.open_model(folder, metadata, device)


def installed_formats() -> list[str]:
    """Return the formats that this project has an adapter for."""
    return [name for name, module in _ADAPTERS.items() if _exists(module)]


def predict_in_batches(
    predictor: Predictor, inputs: NDArray[Any], batch_size: int = DEFAULT_BATCH_SIZE
) -> NDArray[np.float32]:
    """Return the logits of any number of inputs, at most `batch_size` of them at a time.

    Raises:
        InputError: the batch size is below 1, or the predictor refuses the inputs.
    """
    if batch_size < 1:
        raise InputError(f"The batch size must be at least 1, not {batch_size}.")
    starts = range(0, max(len(inputs), 1), batch_size)
    return np.concatenate([predictor.predict(inputs[at : at + batch_size]) for at in starts])


def _adapter(name: str, folder: Path) -> Adapter:
    if name not in installed_formats():
        known = ", ".join(installed_formats())
        raise UnknownFormatError(f"{folder} has format {name!r}; this project opens: {known}.")
    try:
        return cast(Adapter, importlib.import_module(f".{_ADAPTERS[name]}", __package__))
    except ModuleNotFoundError as error:
        raise ArtefactError(
            f"{folder} has format {name!r}, which needs the package {error.name!r}: "
            "install the project's production layer."
        ) from error


def _exists(module: str) -> bool:
    return importlib.util.find_spec(f".{module}", __package__) is not None
