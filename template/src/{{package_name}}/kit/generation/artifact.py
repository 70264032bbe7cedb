# Owned by the template: every update rewrites this file. Facts of your own fit into `origin`.
"""What `metadata.json` says about an exported model that generates text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..artifacts import METADATA_FILE, no_description, read_description, write_description


@dataclass(frozen=True)
class TextModel:
    """The description that travels with an exported model.

    Attributes:
        format: Format of the model file: `gguf` or `transformers`.
        model_file: Name of the model file inside the folder.
        tolerance: Largest absolute difference in log-probabilities that counts as equal.
        relative_tolerance: What comes to it, as a share of the largest of a place; exports of
            earlier releases have none.
        precision: How the weights are stored, such as `int8`.
        agreement: Share of the places in the text, 0 to 1, where the likeliest token must be that
            of the training framework.
        equal_text: Whether greedy text must be that of the training framework.
        format_options: Facts of the format.
        origin: Where the model came from: run, git commit, data, environment.
        parity: The comparison with the training framework, made when the model was exported.
        files: SHA-256 of every other file in the folder; filled in by `write_text_model`.
    """

    format: str
    model_file: str
    tolerance: float
    relative_tolerance: float = 0.0
    precision: str = "float32"
    agreement: float = 1.0
    equal_text: bool = True
    format_options: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def write_text_model(folder: Path, model: TextModel) -> None:
    """Write `metadata.json` with the hashes of all other files that are in the folder now."""
    write_description(folder, asdict(model))


def read_text_model(folder: Path) -> TextModel:
    """Read `metadata.json` and check every file against its hash.

    Raises:
        ArtefactError: The folder or a file is missing, or a file is not the one that was exported.
    """
    values = read_description(folder)
    try:
        return TextModel(**values)
    except TypeError as error:
        raise no_description(folder / METADATA_FILE, error) from error


def model_file(path: Path, kind: str) -> Path:
    """Return the model file that a setting means: itself, or that of an exported model's folder.

    Args:
        path: A file, or a folder that `export` wrote, whose files are checked.
        kind: The format that the folder must have.

    Raises:
        ArtefactError: The folder is no exported model of the format, or a file was changed.
    """
    if not path.is_dir():
        return path
    model = read_text_model(path)
    if model.format != kind:
        raise no_description(path / METADATA_FILE, ValueError(f"its format is not {kind}"))
    return path / model.model_file
