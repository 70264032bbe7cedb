# Owned by the template: every update rewrites this file. Which model encodes: configs/embed.yaml.
# mypy: disable-error-code="no-untyped-call"
"""The model that makes a vector of a text: from a folder, or from the hub if it is told to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from ..config_sources import Settings
from ..errors import ModelMissingError
from ..files import sha256_of
from ..reproducibility import choose_device

DEFAULT_CONFIG = Path("configs/embed.yaml")
HUB = "hub:"


class EmbedConfig(Settings):
    """What encodes texts.

    Attributes:
        model: A folder, or `hub:NAME` or `hub:NAME@REVISION`.
        batch_size: Texts that are encoded at once.
        device: As that of training: `cpu`, `cuda`, ..., or `auto`.
    """

    model: Annotated[str, Field(min_length=1)]
    batch_size: Annotated[int, Field(ge=1)]
    device: Annotated[str, Field(pattern=r"^[a-z]+(:\d+)?$")]


class Encoder:
    """A loaded model."""

    def __init__(self, model: SentenceTransformer, identity: str, batch_size: int) -> None:
        """Use `load`."""
        self._model = model
        self.identity = identity
        self._batch_size = batch_size

    @classmethod
    def load(cls, config: EmbedConfig) -> Self:
        """Load the model.

        Raises:
            ConfigError: This machine has no such device.
            ModelMissingError: There is no such folder, it holds no such model, or the hub has none.
        """
        disable_progress_bar()
        device = str(choose_device(config.device, f"device in {DEFAULT_CONFIG}"))
        if config.model.startswith(HUB):
            return cls(_from_hub(config.model, device), config.model, config.batch_size)
        folder = Path(config.model)
        model = _from_folder(folder, device)
        return cls(model, f"sha256:{_digest(folder)}", config.batch_size)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of length 1, float32 (N, D)."""
        vectors: NDArray[np.float32] = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return vectors


def _from_folder(folder: Path, device: str) -> SentenceTransformer:
    if not folder.is_dir():
        raise ModelMissingError(
            f"There is no model in {folder}: put one there, or set model in {DEFAULT_CONFIG}."
        )
    try:
        return SentenceTransformer(str(folder), device=device, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelMissingError(
            f"{folder} holds no model that Sentence Transformers can load: {_short(error)}"
        ) from error


def _from_hub(name: str, device: str) -> SentenceTransformer:
    repository, _, revision = name.removeprefix(HUB).partition("@")
    try:
        return SentenceTransformer(repository, device=device, revision=revision or None)
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"{name} cannot be loaded: {_short(error)}") from error


def _short(error: Exception) -> str:
    """Return the first sentence of a message that may have many lines."""
    return " ".join(str(error).split()).partition(". ")[0].rstrip(".") + "."


def _digest(folder: Path) -> str:
    """Return one hash of all files in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(folder).as_posix()} {sha256_of(path)}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
