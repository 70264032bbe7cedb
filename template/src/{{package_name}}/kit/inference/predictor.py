# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The interface that every inference adapter implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .metadata import Metadata

DEFAULT_BATCH_SIZE = 256


class Predictor(ABC):
    """A loaded model. Use it as a context manager, or call `close()`."""

    def __init__(self, metadata: Metadata) -> None:
        """Keeps the description of the model."""
        self.metadata = metadata

    def predict(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the logits (N, classes) of the inputs (N, *metadata.input.shape).

        Raises:
            InputError: The shape or the element type is not what the model takes.
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
        """Runs the model on inputs that are checked already."""

    def close(self) -> None:  # noqa: B027 - most runtimes have nothing to release
        """Releases what the runtime holds."""

    def __enter__(self) -> Self:
        """Returns the predictor itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the predictor."""
        self.close()


def predict_in_batches(
    predictor: Predictor, inputs: NDArray[Any], batch_size: int = DEFAULT_BATCH_SIZE
) -> NDArray[np.float32]:
    """Returns the logits of any number of inputs, at most `batch_size` of them at a time.

    Raises:
        InputError: The batch size is below 1, or the predictor refuses the inputs.
    """
    if batch_size < 1:
        raise InputError(f"The batch size must be at least 1, not {batch_size}.")
    starts = range(0, max(len(inputs), 1), batch_size)
    return np.concatenate([predictor.predict(inputs[at : at + batch_size]) for at in starts])
