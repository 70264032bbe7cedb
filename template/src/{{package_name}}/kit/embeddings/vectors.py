# Owned by the template: every update rewrites this file. Which model encodes: configs/embed.yaml.
"""Encoded texts in a file, and the nearest of them to a query."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..files import read_arrays, write_arrays
from .encoder import Encoder


@dataclass(frozen=True)
class Found:
    """A text that was found.

    Attributes:
        text: The text.
        similarity: Cosine of the angle between it and the query, from -1 to 1.
    """

    text: str
    similarity: float


@dataclass(frozen=True)
class Vectors:
    """Texts and their vectors.

    Attributes:
        texts: The texts, N of them.
        vectors: Vectors of length 1, float32 (N, D).
        model: What encoded them; vectors of different models cannot be compared.
    """

    texts: list[str]
    vectors: NDArray[np.float32]
    model: str

    @classmethod
    def encode(cls, texts: list[str], encoder: Encoder) -> Self:
        """Encode texts, at least one."""
        return cls(texts, encoder.encode(texts), encoder.identity)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of `write`.

        Raises:
            ProjectError: It is missing, or no such file.
        """
        texts, vectors, model = read_arrays(path, "texts", "vectors", "model")
        return cls([str(text) for text in texts], vectors, str(model[0]))

    def write(self, path: Path) -> None:
        """Write all of it into one `.npz` file."""
        arrays = {
            "texts": np.array(self.texts),
            "vectors": self.vectors,
            "model": np.array([self.model]),
        }
        write_arrays(path, arrays)

    def search(self, query: str, encoder: Encoder, count: int) -> list[Found]:
        """Return the nearest texts, the nearest first.

        Raises:
            InputError: The query is empty, or another model encoded the texts.
        """
        if not query.strip():
            raise InputError("The query is empty.")
        if encoder.identity != self.model:
            raise InputError("Another model encoded these texts: run `embed` again.")
        similarities = self.vectors @ encoder.encode([query])[0]
        nearest = np.argsort(-similarities, kind="stable")[:count]
        return [Found(self.texts[each], float(similarities[each])) for each in nearest]
