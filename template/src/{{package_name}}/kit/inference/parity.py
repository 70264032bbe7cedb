# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""Does the exported model answer as the training framework did? Same inputs, stated tolerance.

A number may differ by `tolerance + relative_tolerance * size`, as `numpy.testing.assert_allclose`
has it. Its size is the largest that it has over all examples: a value that happens to be near zero
is no more exact than the others.

From the code that you own it calls `task.metrics(outputs, targets)` and `task.decide(outputs)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import task
from ..errors import ArtefactError
from ..files import read_all_arrays, write_arrays
from .metadata import PARITY_FILE, Arrays, Metadata
from .predictor import DEFAULT_BATCH_SIZE, Predictor, predict_in_batches

_INPUT, _TARGET, _OUTPUT = "input/", "target/", "output/"


@dataclass(frozen=True)
class ParityReport:
    """The comparison of two runtimes.

    Attributes:
        examples: Number of examples that were compared.
        metrics: What the task says of the exported model's outputs.
        agreement: Share of the task's decisions that are the framework's, 0 to 1; None if it
            decides nothing.
        least_agreement: Smallest share that counts as equal. If it is 1, numbers that are equal
            within the tolerance are enough: the framework itself is undecided then.
        output: The output that leaves the least room.
        max_abs_difference: Largest absolute difference where the room is least.
        tolerance: Largest difference that counts as equal there.
    """

    examples: int
    metrics: Mapping[str, float]
    agreement: float | None
    least_agreement: float
    output: str
    max_abs_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the exported model may be used."""
        decided = self.agreement is None or self.least_agreement == 1
        agree = decided or (self.agreement or 0) >= self.least_agreement
        return agree and self.max_abs_difference <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """Return all values and the verdict, ready for JSON."""
        return {**asdict(self), "passed": self.passed}


def describe_parity(values: Mapping[str, Any]) -> str:
    """Return what people read of a report that `to_json` gave."""
    parts = [f"{values['examples']} examples"]
    parts += [f"{name} {value:.4f}" for name, value in values["metrics"].items()]
    if values["agreement"] is not None:
        parts.append(f"same decisions: {100 * values['agreement']:.1f} %")
    difference, tolerance = values["max_abs_difference"], values["tolerance"]
    parts.append(f"largest difference {difference:.3g} (tolerance {tolerance:.3g})")
    return ", ".join(parts)


def write_parity(folder: Path, inputs: Arrays, targets: Arrays, outputs: Arrays) -> None:
    """Store the training framework's outputs with their inputs and targets."""
    parts = {_INPUT: inputs, _TARGET: targets, _OUTPUT: outputs}
    arrays = {f"{part}{name}": each[name] for part, each in parts.items() for name in each}
    write_arrays(folder / PARITY_FILE, arrays)


def check_parity(
    predictor: Predictor, folder: Path, batch_size: int = DEFAULT_BATCH_SIZE
) -> ParityReport:
    """Run the model on the stored inputs and compare the outputs.

    Raises:
        ProjectError: The folder has no readable `parity.npz`, or the outputs have another shape.
    """
    metadata = predictor.metadata
    inputs, targets, expected = read_parity(folder, metadata)
    outputs = predict_in_batches(predictor, inputs, batch_size)
    for name, array in expected.items():
        if outputs[name].shape != array.shape:
            raise ArtefactError(
                f"{folder} gives {name} of shape {outputs[name].shape}, the trained model "
                f"{array.shape}."
            )
    compared = [(*_compare(outputs[name], expected[name], metadata), name) for name in expected]
    _, difference, tolerance, name = max(compared)
    return ParityReport(
        examples=len(next(iter(inputs.values()))),
        metrics=task.metrics(outputs, targets),
        agreement=_agreement(task.decide(outputs), task.decide(expected)),
        least_agreement=metadata.agreement,
        output=name,
        max_abs_difference=difference,
        tolerance=tolerance,
    )


def read_parity(folder: Path, metadata: Metadata) -> list[dict[str, NDArray[Any]]]:
    """Return the inputs, targets and outputs that travel with a model.

    Raises:
        ProjectError: They are missing, damaged, or of another model.
    """
    arrays = read_all_arrays(folder / PARITY_FILE)
    if "logits" in arrays:  # of an earlier release
        names = metadata.inputs[0].name, "label", metadata.outputs[0].name
        former = zip(names, ("inputs", "labels", "logits"), strict=True)
        return [{name: arrays[key]} for name, key in former]
    parts = [_part(arrays, prefix) for prefix in (_INPUT, _TARGET, _OUTPUT)]
    if not parts[0] or parts[2].keys() != {spec.name for spec in metadata.outputs}:
        raise ArtefactError(f"{folder / PARITY_FILE} is not of this model: export it again.")
    return parts


def _part(arrays: Arrays, prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _compare(
    outputs: NDArray[Any], expected: NDArray[Any], metadata: Metadata
) -> tuple[float, float, float]:
    """Return how much of the room is used at most, and the difference and the room there."""
    size = np.abs(expected.astype(np.float64)).max(axis=0)
    room = metadata.tolerance + metadata.relative_tolerance * size
    differences = np.abs(outputs.astype(np.float64) - expected)
    allowed = np.broadcast_to(room, expected.shape)
    used = differences / np.maximum(allowed, np.finfo(np.float64).tiny)
    used[np.isnan(used)] = np.inf  # the worst of all
    worst = np.unravel_index(used.argmax(), expected.shape)
    return float(used[worst]), float(differences[worst]), float(allowed[worst])


def _agreement(found: NDArray[Any] | None, wanted: NDArray[Any] | None) -> float | None:
    if found is None or wanted is None:
        return None
    return float(np.mean(found == wanted))
