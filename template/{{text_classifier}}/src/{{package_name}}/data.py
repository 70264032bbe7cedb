"""Sentences of three authors, in a CSV file with the columns `text` and `label`; no download.

Lewis Carroll, Alice's Adventures in Wonderland (1865); John Milton, Paradise Lost (1667); William
Shakespeare, As You Like It (1599): they are in the public domain everywhere. The texts are those of
the files `alice29.txt`, `plrabn12.txt` and `asyoulik.txt` of the Canterbury corpus for compressors,
as Brotli's source release 1.2.0 has them among its test data. Of each book there are 500 sentences,
of 30 to 240 characters, without headings, stage directions and the names of those who speak.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .config import DataConfig
from .kit.errors import DataError
from .kit.manifest import list_own, verify, write_listed
from .task import CLASS_NAMES, Arrays

BOOKS = "authors.csv"
EXAMPLE = Path("data/raw", BOOKS)


def read(path: Path) -> Samples:
    """Return all samples of a file: `text`, and `label`, int64 (N,), a place in CLASS_NAMES.

    Raises:
        DataError: The content is not what this code expects.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.DictReader(file)))
    except (ValueError, csv.Error) as error:  # also of what is not UTF-8
        raise DataError(f"{path} is not a CSV file in UTF-8: {error}.") from error
    texts, labels = zip(*rows, strict=True)
    return Samples({"text": np.array(texts)}, {"label": np.array(labels, dtype=np.int64)})


def _rows(reader: csv.DictReader[str]) -> Iterator[tuple[str, int]]:
    """Yield the texts, and the numbers of their labels."""
    if not {"text", "label"} <= set(reader.fieldnames or ()):
        raise ValueError("its first line needs the columns text and label")
    for row in reader:
        text, label = (row["text"] or "").strip(), row["label"]
        if not text or label not in CLASS_NAMES:
            raise ValueError(
                f"line {reader.line_num} needs a text, and as its label one of "
                f"{', '.join(CLASS_NAMES)}"
            )
        yield text, CLASS_NAMES.index(label)
    if reader.line_num < 2:
        raise ValueError("it has no line with a text")


# From here on nothing knows what the data is.


@dataclass(frozen=True)
class Samples:
    """Named inputs and named targets, with an example in each row of all.

    The inputs are texts here. What the model takes is made of them where its tokenizer is.
    """

    inputs: Arrays
    targets: Arrays

    def __len__(self) -> int:
        """Return N."""
        return len(next(iter(self.targets.values())))

    def __getitem__(self, which: slice | NDArray[np.int64]) -> Samples:
        """Return some of the samples."""
        parts = (self.inputs, self.targets)
        return Samples(*({name: each[name][which] for name in each} for each in parts))


@dataclass(frozen=True)
class Splits:
    """The three parts of the data.

    Attributes:
        train: What the model learns from.
        val: What chooses: the best epoch, and settings.
        test: What chooses nothing, so that what is reported of it is true of new data.
        sha256: Of the file of all three.
    """

    train: Samples
    val: Samples
    test: Samples
    sha256: str


def create(path: Path, *, accept: bool = False) -> str:
    """Write the example's data, the same bytes every time, or list a file of one's own as it is.

    Returns:
        The SHA-256 of the file.

    Raises:
        DataError: The file of one's own is not there, or the file is another one than the manifest
            lists and `accept` is false.
    """
    if path.resolve() != EXAMPLE.resolve():
        return list_own(path, accept=accept)
    content = resources.files(__package__).joinpath(BOOKS).read_bytes()

    def write(target: Path) -> None:
        target.write_bytes(content)

    return write_listed(path, write, accept=accept)


def load_splits(config: DataConfig) -> Splits:
    """Verify the file against the manifest, read it and split it.

    Raises:
        DataError: The file is not the listed one, or its content is not what this code expects.
    """
    sha256 = verify(config.path)
    samples = read(config.path)
    count = len(samples)
    test = count - math.ceil(config.test_fraction * count)
    val = test - math.ceil(config.val_fraction * count)
    if val < 1:
        raise DataError(
            "data.val_fraction and data.test_fraction leave nothing to train on: make one smaller."
        )
    mixed = samples[np.random.default_rng(config.split_seed).permutation(count)]
    return Splits(mixed[:val], mixed[val:test], mixed[test:], sha256)
