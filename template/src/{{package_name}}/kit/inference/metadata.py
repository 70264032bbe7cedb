# Owned by the template: every update rewrites this file. Facts of your own fit into `origin`.
"""`metadata.json`: what an exported model is, and the hashes that prove it is unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..artifacts import METADATA_FILE, no_description, read_description, write_description
from ..memory import Need

__all__ = [
    "METADATA_FILE",
    "PARITY_FILE",
    "InputSchema",
    "Metadata",
    "need_of",
    "read_metadata",
    "write_metadata",
]

PARITY_FILE = "parity.npz"

# Of outputs in float32. Two runtimes that sum in different orders stay below a tenth of it.
DEFAULT_TOLERANCE = 1e-4
DEFAULT_RELATIVE_TOLERANCE = 1e-5


@dataclass(frozen=True)
class InputSchema:
    """The model's one input.

    Attributes:
        name: The input's name in the model file.
        shape: The shape of one example, without the batch.
        dtype: The NumPy name of the element type.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Metadata:
    """The description that travels with an exported model.

    Attributes:
        format: Format of the model file, such as `onnx`; it decides which adapter opens it.
        model_file: Name of the model file inside the folder.
        input: What the model takes.
        class_names: Name of every output, in order.
        preprocessing: How raw data became the input.
        tolerance: Largest absolute difference of an output that counts as equal.
        relative_tolerance: What comes to it, as a share of the output's size: see `check_parity`.
            Exports of earlier releases have none.
        precision: How the weights are stored and what is computed with, such as `int8`.
        agreement: Share of the inputs, 0 to 1, that must get the class of the training framework.
        format_options: Facts of the format, such as the ONNX opset.
        origin: Where the model came from: run, git commit, data, environment.
        parity: The comparison with the training framework, made when the model was exported.
        files: SHA-256 of every other file in the folder; filled in by `write_metadata`.
    """

    format: str
    model_file: str
    input: InputSchema
    class_names: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    tolerance: float = DEFAULT_TOLERANCE
    relative_tolerance: float = DEFAULT_RELATIVE_TOLERANCE
    precision: str = "float32"
    agreement: float = 1.0
    format_options: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def write_metadata(folder: Path, metadata: Metadata) -> None:
    """Writes `metadata.json` with the hashes of all other files that are in the folder now."""
    write_description(folder, asdict(metadata))


def read_metadata(folder: Path) -> Metadata:
    """Reads `metadata.json` and checks every file against its hash.

    Raises:
        ArtefactError: The folder or a file is missing, or a file is not the one that was exported.
    """
    values = read_description(folder)
    try:
        schema = values.pop("input")
        shape = tuple(int(size) for size in schema["shape"])
        values["input"] = InputSchema(str(schema["name"]), shape, str(schema["dtype"]))
        values["class_names"] = tuple(values["class_names"])
        values.setdefault("relative_tolerance", 0.0)
        return Metadata(**values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise no_description(folder / METADATA_FILE, error) from error


def need_of(folder: Path, metadata: Metadata) -> Need:
    """Returns what the model takes at least: its files, and what goes in and comes out of it."""
    others = {METADATA_FILE, PARITY_FILE}
    files = [folder / name for name in metadata.files if name not in others]
    values = math.prod(metadata.input.shape) + len(metadata.class_names)
    return Need(
        weights=sum(path.stat().st_size for path in files),
        precision=metadata.precision,
        item=values * np.dtype(metadata.input.dtype).itemsize,
    )
