"""scikit-learn's handwritten digits: 1797 images of 8 x 8 pixels, no download.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository (1998), the test set of it, as shipped in `sklearn.datasets.load_digits`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import DataConfig
from .kit.errors import DataError
from .kit.files import read_arrays, write_arrays
from .kit.manifest import list_own, verify, write_listed
from .kit.training import Samples, Splits
from .task import CLASS_NAMES, MAX_PIXEL, Arrays, prepare

EXAMPLE = Path("data/raw/digits.npz")


def example() -> Arrays:
    """Return what the `data` command writes to that file."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return {"images": digits.images.astype(np.uint8), "labels": digits.target.astype("<i8")}


def read(path: Path) -> Samples:
    """Return all samples of a file: `image`, float32 (N, 1, 8, 8), and `label`, int64 (N,).

    Raises:
        DataError: The content is not what this code expects.
    """
    images, labels = read_arrays(path, "images", "labels")
    check(images, labels)
    return Samples(prepare({"images": images}), {"label": labels})


def check(images: NDArray[Any], labels: NDArray[Any]) -> None:
    """Check the data contract: images uint8 (N, 8, 8) from 0 to 16, labels int64 (N,) in range.

    Raises:
        DataError: The first part of the contract that does not hold.
    """
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (8, 8):
        raise DataError(f"Images must be uint8 (N, 8, 8), not {images.dtype} {images.shape}.")
    if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        raise DataError(f"Labels must be int64, one per image, not {labels.dtype} {labels.shape}.")
    if images.max() > MAX_PIXEL:
        raise DataError(f"Pixels must lie between 0 and {MAX_PIXEL:g}, not {images.max()}.")
    if labels.min() < 0 or labels.max() >= len(CLASS_NAMES):
        raise DataError(f"Labels must lie between 0 and {len(CLASS_NAMES) - 1}.")


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
    return write_listed(path, partial(write_arrays, arrays=example()), accept=accept)


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
