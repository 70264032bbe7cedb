# Owned by the template: every update rewrites this file. Facts of your own fit into `origin`.
"""`metadata.json`: what an exported model is, and the hashes that prove it is unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..artifacts import METADATA_FILE, no_description, read_description, write_description
from ..errors import ArtefactError
from ..memory import Need

__all__ = [
    "METADATA_FILE",
    "PARITY_FILE",
    "Arrays",
    "Metadata",
    "TensorSpec",
    "need_of",
    "read_metadata",
    "write_metadata",
]

PARITY_FILE = "parity.npz"

# Of outputs in float32. Two runtimes that sum in different orders stay below a tenth of it.
DEFAULT_TOLERANCE = 1e-4
DEFAULT_RELATIVE_TOLERANCE = 1e-5


# Named arrays with an example in each row: what goes into a model, comes out of it, or is right.
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class TensorSpec:
    """An input or an output of a model.

    Attributes:
        name: Its name in the model file.
        shape: The shape of one example, without the batch. A name instead of a size says that the
            size is free; in one call, axes of one name have one size.
        dtype: The NumPy name of the element type.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"

    @classmethod
    def of(cls, name: str, array: NDArray[Any], dynamic: Mapping[int, str]) -> Self:
        """Describe what an array with several examples is one of.

        Args:
            name: The name.
            array: The examples, (N, ...).
            dynamic: Axes of the array whose sizes are free, with their names; the batch is axis 0.
        """
        sizes = enumerate(array.shape)
        shape = tuple(dynamic.get(axis, size) for axis, size in sizes if axis > 0)
        return cls(name, shape, str(array.dtype))


@dataclass(frozen=True)
class Metadata:
    """The description that travels with an exported model.

    Attributes:
        format: Format of the model file, such as `onnx`; it decides which adapter opens it.
        model_file: Name of the model file inside the folder.
        inputs: What the model takes.
        outputs: What it gives, in the order of the file.
        preprocessing: How raw data became the inputs.
        tolerance: Largest absolute difference of an output that counts as equal.
        relative_tolerance: What comes to it, as a share of the output's size: see `check_parity`.
            Exports of earlier releases have none.
        precision: How the weights are stored and what is computed with, such as `int8`.
        agreement: Share of the task's decisions, 0 to 1, that must be the training framework's.
        format_options: Facts of the format, such as the ONNX opset.
        origin: Where the model came from: run, git commit, data, environment.
        parity: The comparison with the training framework, made when the model was exported.
        files: SHA-256 of every other file in the folder; filled in by `write_metadata`.
    """

    format: str
    model_file: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    preprocessing: Mapping[str, Any]
    tolerance: float = DEFAULT_TOLERANCE
    relative_tolerance: float = DEFAULT_RELATIVE_TOLERANCE
    precision: str = "float32"
    agreement: float = 1.0
    format_options: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def check_inputs(self, path: Path, found: Sequence[str]) -> None:
        """Compare the names of the inputs that a model file has with those described.

        Raises:
            ArtefactError: They are others.
        """
        described = [spec.name for spec in self.inputs]
        if sorted(found) != sorted(described):
            raise ArtefactError(f"{path} has inputs {[*found]}, not {described}.")


def write_metadata(folder: Path, metadata: Metadata) -> None:
    """Write `metadata.json` with the hashes of all other files that are in the folder now."""
    write_description(folder, asdict(metadata))


def read_metadata(folder: Path) -> Metadata:
    """Read `metadata.json` and check every file against its hash.

    Raises:
        ArtefactError: The folder or a file is missing, or a file is not the one that was exported.
    """
    values = read_description(folder)
    try:
        if "class_names" in values:
            _rewrite_former(values)
        for name in ("inputs", "outputs"):
            values[name] = _specs(values[name])
        values.setdefault("relative_tolerance", 0.0)
        return Metadata(**values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise no_description(folder / METADATA_FILE, error) from error


def _specs(values: Sequence[Mapping[str, Any]]) -> tuple[TensorSpec, ...]:
    if not values:
        raise ValueError("no inputs or no outputs")
    shapes = [
        tuple(size if isinstance(size, str) else int(size) for size in each["shape"])
        for each in values
    ]
    return tuple(
        TensorSpec(str(each["name"]), shape, str(each["dtype"]))
        for each, shape in zip(values, shapes, strict=True)
    )


def _rewrite_former(values: dict[str, Any]) -> None:
    """Turn what earlier releases wrote, one input and names of classes, into inputs and outputs."""
    values["inputs"] = [values.pop("input")]
    shape = [len(values.pop("class_names"))]
    values["outputs"] = [{"name": "logits", "shape": shape, "dtype": "float32"}]


def need_of(folder: Path, metadata: Metadata) -> Need:
    """Return what the model takes at least: its files, and what goes in and comes out of it."""
    others = {METADATA_FILE, PARITY_FILE}
    files = [folder / name for name in metadata.files if name not in others]
    return Need(
        weights=sum(path.stat().st_size for path in files),
        precision=metadata.precision,
        item=sum(_least_bytes(spec) for spec in (*metadata.inputs, *metadata.outputs)),
    )


def _least_bytes(spec: TensorSpec) -> int:
    sizes = [1 if isinstance(size, str) else size for size in spec.shape]
    return math.prod(sizes) * np.dtype(spec.dtype).itemsize
