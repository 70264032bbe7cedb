"""Sentences of three authors, in a CSV file with the columns `text` and `label`; no download.

Lewis Carroll, Alice's Adventures in Wonderland (1865); John Milton, Paradise Lost (1667); William
Shakespeare, As You Like It (1599): they are in the public domain everywhere. The texts are those of
the files `alice29.txt`, `plrabn12.txt` and `asyoulik.txt` of the Canterbury corpus for compressors,
as Brotli's source release 1.2.0 has them among its test data. Of each book there are 500 sentences,
of 30 to 240 characters, without headings, stage directions and the names of those who speak.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from .config import DataConfig
from .kit.errors import DataError
from .kit.manifest import list_own, verify, write_listed
from .kit.training import Samples, Splits
from .task import CLASS_NAMES

BOOKS = "authors.csv"
EXAMPLE = Path("data/raw", BOOKS)
LONGEST = 2**31 - 1  # characters of a text; Python's own limit for a field is 131 072


def read(path: Path) -> Samples:
    """Return all samples of a file: `text`, and `label`, int64 (N,), a place in CLASS_NAMES.

    Raises:
        DataError: The content is not what this code expects.
    """
    csv.field_size_limit(LONGEST)
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
        raise ValueError("its first line needs the columns text and label, separated by a comma")
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
    return Splits.at_random(
        read(config.path),
        sha256,
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=config.split_seed,
    )
