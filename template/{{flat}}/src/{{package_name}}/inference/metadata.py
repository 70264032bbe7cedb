# Owned by the template: every update rewrites this file. New code imports it from kit/.
"""`metadata.json` of models with one input and named classes, as code from before kit/ has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..kit.artifacts import METADATA_FILE, read_description, write_description
from ..kit.inference import metadata as _kit
from ..kit.inference.metadata import (
    DEFAULT_RELATIVE_TOLERANCE,
    DEFAULT_TOLERANCE,
    PARITY_FILE,
    TensorSpec,
)
from ..kit.memory import Need
from ..task import CLASS_NAMES

__all__ = [
    "METADATA_FILE",
    "PARITY_FILE",
    "InputSchema",
    "Metadata",
    "need_of",
    "read_metadata",
    "write_metadata",
]


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

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The input as `kit.inference` describes it."""
        return (TensorSpec(self.input.name, self.input.shape, self.input.dtype),)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The logits as `kit.inference` describes them."""
        return (TensorSpec("logits", (len(self.class_names),)),)


def write_metadata(folder: Path, metadata: Metadata) -> None:
    """Write `metadata.json` with the hashes of all other files that are in the folder now."""
    write_description(folder, asdict(metadata))


def read_metadata(folder: Path) -> Metadata:
    """Read `metadata.json` and check every file against its hash.

    Raises:
        ArtefactError: The folder or a file is missing, or a file is not the one that was exported.
    """
    values = vars(_kit.read_metadata(folder)).copy()
    (spec,), _ = values.pop("inputs"), values.pop("outputs")
    names = read_description(folder).get("class_names", CLASS_NAMES)
    return Metadata(
        input=InputSchema(spec.name, spec.shape, spec.dtype), class_names=tuple(names), **values
    )


def need_of(folder: Path, metadata: Metadata) -> Need:
    """Return what the model takes at least: its files, and what goes in and comes out of it."""
    described: Any = metadata
    return _kit.need_of(folder, described)
