# Owned by the template: every update rewrites this file. New code imports it from kit/.
"""Does the exported model answer as the training framework did? Same inputs, stated tolerance.

An output may differ by `tolerance + relative_tolerance * size`, as `numpy.testing.assert_allclose`
has it. Its size is the largest that it has over all inputs: a value that happens to be near zero is
no more exact than the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kit.errors import ArtefactError
from ..kit.files import write_arrays
from ..kit.inference import DEFAULT_BATCH_SIZE, Predictor, predict_in_batches
from ..kit.inference.parity import read_parity
from .metadata import PARITY_FILE


@dataclass(frozen=True)
class ParityReport:
    """The comparison of two runtimes; of a model that has no classes, in numbers alone.

    Attributes:
        images: Number of inputs that were compared.
        accuracy: Share of the labels that the exported model finds, 0 to 1.
        classes_equal: Whether both runtimes choose the same class for every input. In a precision
            that must keep all classes, an input counts as well if the framework itself is
            undecided: its two likeliest classes lie nearer than the tolerance of both.
        agreement: Share of the inputs for which they do, 0 to 1.
        least_agreement: Smallest share that counts as equal.
        max_abs_difference: Largest absolute difference; of outputs of several sizes, that which
            leaves the least room.
        tolerance: Largest difference that counts as equal there.
    """

    images: int
    accuracy: float | None
    classes_equal: bool | None
    agreement: float | None
    least_agreement: float
    max_abs_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the exported model may be used."""
        agree = self.agreement is None or self.agreement >= self.least_agreement
        return agree and self.max_abs_difference <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """Return all values and the verdict, ready for JSON."""
        return {**asdict(self), "passed": self.passed}


def describe_parity(values: Mapping[str, Any]) -> str:
    """Return what people read of a report that `to_json` gave."""
    parts = [f"{values['images']} inputs"]
    if values["agreement"] is not None:
        parts.append(f"accuracy {values['accuracy']:.4f}")
        parts.append(f"same classes: {100 * values['agreement']:.1f} %")
    difference, tolerance = values["max_abs_difference"], values["tolerance"]
    parts.append(f"largest difference {difference:.3g} (tolerance {tolerance:.3g})")
    return ", ".join(parts)


def write_parity(
    folder: Path, inputs: NDArray[np.float32], labels: NDArray[Any], logits: NDArray[np.float32]
) -> None:
    """Store the training framework's outputs (N, ...) with their inputs and labels (N, ...).

    Labels that are whole numbers are classes, one output for each; others are values to reach.
    """
    write_arrays(folder / PARITY_FILE, {"inputs": inputs, "labels": labels, "logits": logits})


def check_parity(
    predictor: Predictor, folder: Path, batch_size: int = DEFAULT_BATCH_SIZE
) -> ParityReport:
    """Run the model on the stored inputs and compare the outputs.

    Raises:
        ProjectError: The folder has no readable `parity.npz`, or the outputs have another shape.
    """
    parts = read_parity(folder, predictor.metadata)
    inputs, labels, expected = (next(iter(part.values())) for part in parts)
    outputs = predict_in_batches(predictor, inputs, batch_size)
    if outputs.shape != expected.shape:
        raise ArtefactError(
            f"{folder} gives outputs of shape {outputs.shape}, the trained model {expected.shape}."
        )
    metadata = predictor.metadata
    size = np.abs(expected.astype(np.float64)).max(axis=0)
    room = metadata.tolerance + metadata.relative_tolerance * size
    differences, allowed = np.abs(outputs - expected), np.broadcast_to(room, expected.shape)
    parts = differences / np.maximum(allowed, np.finfo(allowed.dtype).tiny)
    worst = np.unravel_index(parts.argmax(), expected.shape)
    report = ParityReport(
        images=len(inputs),
        accuracy=None,
        classes_equal=None,
        agreement=None,
        least_agreement=metadata.agreement,
        max_abs_difference=float(differences[worst]),
        tolerance=float(allowed[worst]),
    )
    if labels.dtype.kind not in "iu" or expected.ndim != 2 or expected.shape[1] < 2:
        return report
    classes = outputs.argmax(axis=1)
    same = classes == expected.argmax(axis=1)
    if metadata.agreement == 1:  # each of the two likeliest may move by the tolerance
        second, first = np.sort(expected, axis=1)[:, -2:].T
        same |= first - second <= 2 * room.max()
    return replace(
        report,
        accuracy=float(np.mean(classes == labels)),
        classes_equal=bool(same.all()),
        agreement=float(same.mean()),
    )
