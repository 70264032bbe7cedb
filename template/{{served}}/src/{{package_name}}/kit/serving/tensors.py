# Owned by the template: every update rewrites this file. Requests of your own: serving.py.
"""Types of pydantic for the arrays that a model takes, and arrays of what they checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, create_model

from ..errors import InputError
from ..inference import TensorSpec


def request_type(inputs: Sequence[TensorSpec], max_batch: int) -> type[BaseModel]:
    """Return the type of a request that holds a model's inputs by their names.

    Args:
        inputs: What the model takes.
        max_batch: The most examples.
    """
    fields: dict[str, Any] = {}
    for number, spec in enumerate(inputs):
        kind: Any = _scalar(np.dtype(spec.dtype))
        for size in reversed(spec.shape):
            exact = None if isinstance(size, str) else size
            kind = Annotated[list[kind], Field(min_length=exact, max_length=exact)]
        shape = ", ".join(["N", *map(str, spec.shape)])
        about = f"{spec.dtype}, of shape ({shape})"
        # Names of inputs can be any text, names of fields cannot.
        field = Field(min_length=1, max_length=max_batch, alias=spec.name, description=about)
        fields[f"input_{number}"] = (list[kind], field)
    return create_model(
        "Request",
        __doc__="The inputs of the model by their names, with an example in each row of all.",
        __config__=ConfigDict(extra="forbid", serialize_by_alias=True),
        **fields,
    )


def arrays(request: Mapping[str, Any], inputs: Sequence[TensorSpec]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a request of that type.

    Raises:
        InputError: Rows have different lengths, or a number is too large for its type.
    """
    return {spec.name: array_of(request[spec.name], spec.name, spec.dtype) for spec in inputs}


def array_of(values: Any, name: str, dtype: str) -> NDArray[Any]:
    """Return the array of nested lists.

    Raises:
        InputError: Rows have different lengths, or a value is none of the type.
    """
    try:
        with np.errstate(over="ignore"):
            return np.asarray(values, dtype=dtype)
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{name} must be {dtype} numbers in rows of equal length.") from error


def _scalar(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return Annotated[bool, Field(strict=True)]
    if dtype.kind in "iu":
        range_ = np.iinfo(dtype)
        return Annotated[int, Field(strict=True, ge=int(range_.min), le=int(range_.max))]
    if dtype.kind == "f":
        return Annotated[float, Field(strict=True, allow_inf_nan=False)]
    return str
