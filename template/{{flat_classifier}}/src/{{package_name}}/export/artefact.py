# Owned by the template: every update rewrites this file. New code imports it from kit/.
"""Exports of models with one input and named classes, as code from before kit/ asks for them.

The exporters are those of `kit.export`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference import (
    InputSchema,
    Metadata,
    ParityReport,
    check_parity,
    describe_parity,
    load,
    write_metadata,
    write_parity,
)
from ..kit.artifacts import replacing_folder
from ..kit.errors import ExportError, ProjectError, reason_of
from ..kit.export import artifact as _kit
from ..kit.export import environments
from ..kit.export.artifact import FLOAT32, Exporter, Precision

__all__ = [
    "FLOAT32",
    "ExportRequest",
    "Exporter",
    "Precision",
    "export_model",
    "precisions",
]


@dataclass(frozen=True)
class ExportRequest:
    """What shall be exported.

    Attributes:
        model: The trained model as its framework has it, on the CPU and in evaluation mode.
        options: What `models.build_model` was called with.
        input: What the model takes.
        class_names: Name of every output, in order.
        preprocessing: How raw data became the input.
        inputs: Inputs for the parity check, (N, *input.shape).
        labels: Their labels (N,): whole numbers for classes, others for values to reach.
        logits: The model's outputs for them, (N, classes) if there are classes.
        origin: Run, code, data and environment that the model comes from.
        tolerance: Largest absolute difference of an output in full precision that counts as equal;
            by default that of the format. Other precisions keep their own.
        calibration: Inputs (N, *input.shape) that show which numbers occur in the model, for
            precisions that need it; by default those of the parity check.
    """

    model: Any
    options: Mapping[str, Any]
    input: InputSchema
    class_names: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    inputs: NDArray[np.float32]
    labels: NDArray[Any]
    logits: NDArray[np.float32]
    origin: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float | None = None
    calibration: NDArray[np.float32] | None = None

    def in_kit(self) -> _kit.ExportRequest:
        """Return the same as `kit.export` has it."""
        name = self.input.name
        return _kit.ExportRequest(
            model=self.model,
            options=self.options,
            preprocessing=self.preprocessing,
            inputs={name: self.inputs},
            outputs={"logits": self.logits},
            targets={"label": self.labels},
            calibration=None if self.calibration is None else {name: self.calibration},
        )


def precisions() -> list[str]:
    """Return the precisions that can be written here, the full one first.

    Those with an environment of their own can be written below `make export` only.
    """
    offered = _exporter().PRECISIONS.items()
    return [name for name, rules in offered if not rules.exporter or environments.can_be_made()]


def export_model(
    request: ExportRequest, output: Path, precision: str | None = None
) -> ParityReport:
    """Export a model and return the comparison with the training framework.

    Args:
        request: The model, and what it is compared by.
        output: The folder.
        precision: One that the format has; by default the full one.

    Raises:
        ExportError: There is no such precision, it cannot be written here, the exported model
            answers differently, or `output` is something else; an earlier export in `output` stays
            as it was.
    """
    exporter = _exporter()
    full = next(iter(exporter.PRECISIONS))
    chosen = precision or full
    if chosen not in exporter.PRECISIONS:
        offered = " or ".join(exporter.PRECISIONS)
        raise ExportError(f"The runtime has no precision {chosen!r}: choose {offered}.")
    rules = exporter.PRECISIONS[chosen]
    if rules.exporter and not environments.can_be_made():
        raise ExportError(
            f"The precision {chosen} is written in an environment of its own, which `make export` "
            f'makes: run `make export ARGS="--precision {chosen}"`.'
        )
    given = request.tolerance if chosen == full else None
    with replacing_folder(output) as folder:
        exporter.write_model(request.in_kit(), folder / exporter.MODEL_FILE, chosen)
        write_parity(folder, request.inputs, request.labels, request.logits)
        metadata = Metadata(
            format=exporter.FORMAT,
            model_file=exporter.MODEL_FILE,
            input=request.input,
            class_names=request.class_names,
            preprocessing=request.preprocessing,
            tolerance=rules.tolerance if given is None else given,
            relative_tolerance=rules.relative,
            precision=chosen,
            agreement=rules.agreement,
            format_options=exporter.FORMAT_OPTIONS,
            origin=request.origin,
        )
        write_metadata(folder, metadata)
        report = _checked(folder)
        write_metadata(folder, replace(metadata, parity=report.to_json()))
    return report


def _exporter() -> Exporter:
    return _kit._exporter()


def _checked(folder: Path) -> ParityReport:
    try:
        with load(folder) as predictor:
            report = check_parity(predictor, folder)
    except ProjectError:
        raise
    except Exception as error:  # runtimes pass on errors of every kind
        raise ExportError(
            f"The exported model does not run, nothing was kept: {reason_of(error)}"
        ) from error
    if not report.passed:
        raise ExportError(
            "The exported model answers differently from the trained one "
            f"({describe_parity(report.to_json())}): nothing was kept."
        )
    return report
