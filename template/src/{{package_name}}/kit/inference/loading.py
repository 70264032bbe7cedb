# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""Opens an exported model with the adapter of its format, and imports no other."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Protocol, cast

from ..answers import load_answers
from ..errors import ArtefactError, UnknownFormatError
from ..memory import CPU, free_memory, require_memory
from .metadata import Metadata, need_of, read_metadata
from .predictor import Predictor

# Format of the model file -> module of its adapter. A project has only the modules it needs. What
# the training framework itself runs is in a format of the framework's name.
_ADAPTERS = {
    "onnx": "onnxruntime_backend",
    "openvino": "openvino_backend",
    load_answers().training: "native_backend",
}


class Adapter(Protocol):
    """What an adapter module offers."""

    def open_model(self, folder: Path, metadata: Metadata, device: str | None) -> Predictor:
        """Opens the model file that `metadata` names."""


def load(folder: Path | str, device: str | None = None) -> Predictor:
    """Checks the files of an exported model and opens it.

    Args:
        folder: What `export` wrote.
        device: What shall run it, as `devices.choose_device` takes it.

    Raises:
        ArtefactError: The folder is incomplete or changed, or its runtime is not installed.
        ConfigError: There is no such device.
        NotEnoughMemoryError: It does not fit.
        UnknownFormatError: This project has no adapter for the format.
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
    """Returns the formats that this project has an adapter for."""
    return [name for name, module in _ADAPTERS.items() if _exists(module)]


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
