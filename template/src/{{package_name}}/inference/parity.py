# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""Does the exported model answer as the training framework did? Same inputs, stated tolerance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import read_arrays, write_arrays
from .metadata import PARITY_FILE
from .predictor import DEFAULT_BATCH_SIZE, Predictor, predict_in_batches


@dataclass(frozen=True)
class ParityReport:
    """The comparison of two runtimes.

    Attributes:
        images: Number of inputs that were compared.
        accuracy: Share of the labels that the exported model finds, 0 to 1.
        classes_equal: Whether both runtimes choose the same class for every input.
        agreement: Share of the inputs for which they do, 0 to 1.
        least_agreement: Smallest share that counts as equal.
        max_abs_difference: Largest absolute difference of any logit.
        tolerance: Largest difference that counts as equal.
    """

    images: int
    accuracy: float
    classes_equal: bool
    agreement: float
    least_agreement: float
    max_abs_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the exported model may be used."""
        agree = self.agreement >= self.least_agreement
        return agree and self.max_abs_difference <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """Returns all values and the verdict, ready for JSON."""
        return {**asdict(self), "passed": self.passed}


def write_parity(
    folder: Path,
    inputs: NDArray[np.float32],
    labels: NDArray[np.int64],
    logits: NDArray[np.float32],
) -> None:
    """Stores the training framework's logits (N, classes) with their inputs and labels (N,)."""
    write_arrays(folder / PARITY_FILE, {"inputs": inputs, "labels": labels, "logits": logits})


def check_parity(
    predictor: Predictor, folder: Path, batch_size: int = DEFAULT_BATCH_SIZE
) -> ParityReport:
    """Runs the model on the stored inputs and compares the logits.

    Raises:
        ProjectError: The folder has no readable `parity.npz`.
    """
    inputs, labels, expected = read_arrays(folder / PARITY_FILE, "inputs", "labels", "logits")
    logits = predict_in_batches(predictor, inputs, batch_size)
    classes = logits.argmax(axis=1)
    same = classes == expected.argmax(axis=1)
    return ParityReport(
        images=len(inputs),
        accuracy=float(np.mean(classes == labels)),
        classes_equal=bool(same.all()),
        agreement=float(same.mean()),
        least_agreement=predictor.metadata.agreement,
        max_abs_difference=float(np.abs(logits - expected).max()),
        tolerance=predictor.metadata.tolerance,
    )
