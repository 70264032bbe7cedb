# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Exports into a temporary folder, checks parity there, and only then swaps the folder in."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..answers import load_answers
from ..artifacts import replacing_folder
from ..errors import ExportError, ProjectError, reason_of
from ..inference import (
    Arrays,
    Metadata,
    ParityReport,
    TensorSpec,
    check_parity,
    describe_parity,
    load,
    write_metadata,
    write_parity,
)
from ..inference.metadata import DEFAULT_RELATIVE_TOLERANCE, DEFAULT_TOLERANCE
from . import environments

# Answer `inference` -> module that writes its format. A project has only the one it needs.
_EXPORTERS = {"onnxruntime": "onnx", "openvino": "openvino", "native": "native"}


@dataclass(frozen=True)
class ExportRequest:
    """What shall be exported. All arrays have an example in each row.

    Attributes:
        model: The trained model as its framework has it, on the CPU and in evaluation mode; it is
            called as `inference.outputs_of` does.
        options: What `model.build_model` was called with.
        preprocessing: How raw data became the inputs.
        inputs: Named inputs for the parity check, in the order of the model file.
        outputs: What the model gives for them, in the order in which it gives it.
        targets: What would be right for them, as `task.metrics` takes it.
        dynamic_axes: For an input or an output, its axes besides the batch whose sizes are free,
            and their names: `{"tokens": {1: "length"}}`. Axes of one name have one size.
        origin: Run, code, data and environment that the model comes from.
        tolerance: Largest absolute difference of an output in full precision that counts as equal;
            by default that of the format. Other precisions keep their own.
        files: What goes beside the model file, by the names of the files, such as a tokenizer.
        calibration: Inputs that show which numbers occur in the model, for precisions that need
            it; by default those of the parity check.
    """

    model: Any
    options: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    inputs: Arrays
    outputs: Arrays
    targets: Arrays
    dynamic_axes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float | None = None
    calibration: Arrays | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    def specs(self, arrays: Arrays) -> tuple[TensorSpec, ...]:
        """Describe the inputs or the outputs."""
        free = self.dynamic_axes
        return tuple(TensorSpec.of(name, arrays[name], free.get(name, {})) for name in arrays)

    def example(self, count: int = 2) -> dict[str, NDArray[Any]]:
        """Return so many examples, as exporters could take a batch of one for a constant."""
        return {
            name: np.resize(each, (count, *each.shape[1:])) for name, each in self.inputs.items()
        }

    def calibration_batches(self, size: int = 64) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield the calibration in parts."""
        given = self.inputs if self.calibration is None else self.calibration
        for at in range(0, len(next(iter(given.values()))), size):
            yield {name: array[at : at + size] for name, array in given.items()}


@dataclass(frozen=True)
class Precision:
    """What a model that is exported in some precision must keep.

    Attributes:
        tolerance: Largest absolute difference of an output.
        relative: What comes to it, as a share of the output's size: see `inference.parity`.
        agreement: Share of the task's decisions, 0 to 1, that must be the same.
        exporter: The environment that it is written in, if it is not the development environment.
    """

    tolerance: float
    relative: float = 0.0
    agreement: float = 1.0
    exporter: str = ""


FLOAT32 = Precision(DEFAULT_TOLERANCE, DEFAULT_RELATIVE_TOLERANCE)


class Exporter(Protocol):
    """What an exporter module offers; the first precision is the default."""

    FORMAT: str
    MODEL_FILE: str
    FORMAT_OPTIONS: Mapping[str, Any]
    PRECISIONS: Mapping[str, Precision]

    def write_model(self, request: ExportRequest, path: Path, precision: str) -> None:
        """Write the model file, and files beside it if the format needs some."""


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
        exporter.write_model(request, folder / exporter.MODEL_FILE, chosen)
        for name, content in request.files.items():
            (folder / name).write_bytes(content)
        write_parity(folder, request.inputs, request.targets, request.outputs)
        metadata = Metadata(
            format=exporter.FORMAT,
            model_file=exporter.MODEL_FILE,
            inputs=request.specs(request.inputs),
            outputs=request.specs(request.outputs),
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
        _keep_reference(request, folder)
        write_metadata(folder, replace(metadata, parity=report.to_json()))
    return report


def _exporter() -> Exporter:
    module = importlib.import_module(f".{_EXPORTERS[load_answers().inference]}", __package__)
    return cast(Exporter, module)


def _keep_reference(request: ExportRequest, folder: Path) -> None:
    """Write what a server compares requests with, where the project has a server."""
    if importlib.util.find_spec("..serving", __package__):
        drift = importlib.import_module("..serving.drift", __package__)
        of_training = request.inputs if request.calibration is None else request.calibration
        drift.write_reference(folder, of_training)


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
