# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""Open an exported model with the adapter of its format, and predict with it."""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast, overload

import numpy as np
from numpy.typing import NDArray

from ... import task
from ..answers import load_answers
from ..errors import ArtefactError, InputError, UnknownFormatError
from ..memory import CPU, free_memory, require_memory
from .metadata import Arrays, Metadata, TensorSpec, need_of, read_metadata

DEFAULT_BATCH_SIZE = 256
_BATCH = "N"

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

    @overload
    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]: ...

    @overload
    def predict(self, inputs: NDArray[Any]) -> NDArray[Any]: ...

    def predict(self, inputs: Arrays | NDArray[Any]) -> dict[str, NDArray[Any]] | NDArray[Any]:
        """Return the named outputs for named inputs, with an example in each row of all.

        An array alone stands for the one input of a model and gets the array of its one output.

        Raises:
            InputError: A name, a shape or an element type is not what the model takes.
        """
        if isinstance(inputs, Mapping):
            self._check(inputs)
            return self._run(inputs)
        if len(self.metadata.inputs) != 1 or len(self.metadata.outputs) != 1:
            raise InputError(f"The model takes {self._names()}: give each array with its name.")
        (output,) = self.predict({self.metadata.inputs[0].name: inputs}).values()
        return output

    @abstractmethod
    def _run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Run the model on inputs that are checked already."""

    def _names(self) -> str:
        return " and ".join(spec.name for spec in self.metadata.inputs)

    def _check(self, inputs: Arrays) -> None:
        if inputs.keys() != {spec.name for spec in self.metadata.inputs}:
            given = " and ".join(inputs) or "nothing"
            raise InputError(f"The model takes {self._names()}, not {given}.")
        sizes: dict[str | int, int] = {}
        for spec in self.metadata.inputs:
            _check_array(inputs[spec.name], spec, sizes)

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


def preparation(folder: Path | str) -> Callable[[Mapping[str, Any]], dict[str, NDArray[Any]]]:
    """Return what makes the inputs of a model from a request.

    That is `task.prepare`, or what `task.open_prepare(folder)` returns, which is for tasks that
    need files beside the model, such as a tokenizer.

    Args:
        folder: What `export` wrote.
    """
    own: Any = task
    opens = getattr(own, "open_prepare", lambda _: own.prepare)
    prepare: Callable[[Mapping[str, Any]], dict[str, NDArray[Any]]] = opens(Path(folder))
    return prepare


def installed_formats() -> list[str]:
    """Return the formats that this project has an adapter for."""
    return [name for name, module in _ADAPTERS.items() if _exists(module)]


@overload
def predict_in_batches(
    predictor: Predictor, inputs: Arrays, batch_size: int = DEFAULT_BATCH_SIZE
) -> dict[str, NDArray[Any]]: ...


@overload
def predict_in_batches(
    predictor: Predictor, inputs: NDArray[Any], batch_size: int = DEFAULT_BATCH_SIZE
) -> NDArray[Any]: ...


def predict_in_batches(
    predictor: Predictor,
    inputs: Arrays | NDArray[Any],
    batch_size: int = DEFAULT_BATCH_SIZE,
) -> dict[str, NDArray[Any]] | NDArray[Any]:
    """Return the outputs for any number of examples, at most `batch_size` of them at a time.

    Raises:
        InputError: The batch size is below 1, or the predictor refuses the inputs.
    """
    if batch_size < 1:
        raise InputError(f"The batch size must be at least 1, not {batch_size}.")
    if isinstance(inputs, Mapping):
        return in_batches(predictor.predict, inputs, batch_size)
    return in_batches(lambda part: {"": predictor.predict(part[""])}, {"": inputs}, batch_size)[""]


def in_batches(
    run: Callable[[Arrays], Arrays], inputs: Arrays, batch_size: int
) -> dict[str, NDArray[Any]]:
    """Return what a function gives for all examples, called with so many of them at a time."""
    count = max((len(array) for array in inputs.values() if array.ndim), default=0)
    parts = [
        run({name: array[at : at + batch_size] for name, array in inputs.items()})
        for at in range(0, max(count, 1), batch_size)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def outputs_of(model: Callable[..., Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Call a model of a training framework and return its outputs by their names.

    Args:
        model: It gets one input alone, and several as keyword arguments. It returns a mapping, or
            a tensor, which is called `output`, or several, called `output_0`, `output_1` and so on.
        inputs: The named inputs, as the framework has them.
    """
    found = model(*inputs.values()) if len(inputs) == 1 else model(**inputs)
    if isinstance(found, Mapping):
        return dict(found)
    if isinstance(found, tuple | list):
        return {f"output_{number}": each for number, each in enumerate(found)}
    return {"output": found}


def _check_array(array: NDArray[Any], spec: TensorSpec, sizes: dict[str | int, int]) -> None:
    """Compare an input with what the model takes, and take note of the sizes of its free axes."""
    axes = (_BATCH, *spec.shape)
    wanted = ", ".join(str(sizes.get(axis, axis)) for axis in axes)
    if array.ndim == len(axes) and len(array) > 0:
        for axis, size in zip(axes, array.shape, strict=True):
            sizes.setdefault(axis, size if isinstance(axis, str) else axis)
    if array.shape != tuple(sizes.get(axis, axis) for axis in axes):
        raise InputError(
            f"{spec.name}: the model takes inputs of shape ({wanted}) with N > 0, "
            f"not {array.shape}."
        )
    if array.dtype != np.dtype(spec.dtype):
        raise InputError(f"{spec.name}: the model takes {spec.dtype} inputs, not {array.dtype}.")


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
