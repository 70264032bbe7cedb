# Owned by the template: every update rewrites this file. A command of your own: commands/export.py.
"""Exports into a temporary folder, checks parity there, and only then swaps the folder in."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

from ..answers import load_answers
from ..artifacts import replacing_folder
from ..errors import ExportError
from ..generation import Generator
from ..generation.artifact import TextModel, write_text_model
from ..generation.parity import (
    Reference,
    TextParityReport,
    Tolerance,
    check_text_parity,
    write_reference,
)
from . import environments

# Answer `inference` -> module that writes its format. A project has only the one it needs.
_EXPORTERS = {
    "llama-cpp": "gguf_file",
    "http-api": "gguf_file",
    "openvino-genai": "openvino_genai_folder",
    "native": "transformers_folder",
}


@dataclass(frozen=True)
class ExportRequest:
    """What shall be exported.

    Attributes:
        model: The trained model as Transformers has it, on the CPU and in evaluation mode.
        tokenizer: Its tokenizer.
        reference: What the model says about held-out text.
        origin: Run, code, data and environment that the model comes from.
    """

    model: Any
    tokenizer: Any
    reference: Reference
    origin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Precision:
    """What a model that is exported in some precision must keep.

    Attributes:
        tolerance: Largest absolute difference in log-probabilities.
        relative: What comes to it, as a share of the largest of a place: see `generation.parity`.
        agreement: Share of the places, 0 to 1, where the likeliest token must be the same.
        equal_text: Whether greedy text must be the same.
        exporter: The environment that it is written in, if it is not the development environment.
    """

    tolerance: float
    relative: float = 0.0
    agreement: float = 1.0
    equal_text: bool = True
    exporter: str = ""


class Exporter(Protocol):
    """What an exporter module offers; the first precision is the default."""

    FORMAT: str
    MODEL_FILE: str
    FORMAT_OPTIONS: Mapping[str, Any]
    PRECISIONS: Mapping[str, Precision]

    def write_model(self, request: ExportRequest, path: Path, precision: str) -> None:
        """Write the model file, and files beside it if the format needs some."""

    def open_model(self, path: Path) -> Generator:
        """Open what was written, so that it continues prompts as they are."""


def precisions() -> list[str]:
    """Return the precisions that the project's runtime can have, the full one first.

    Those with an environment of their own can be written below `make export` only: they are left
    out elsewhere, unless all have one, and then an export says so.
    """
    offered = _exporter().PRECISIONS.items()
    here = [name for name, rules in offered if not rules.exporter or environments.can_be_made()]
    return here or [name for name, _ in offered]


def full_tolerance() -> Tolerance:
    """Return the tolerance of the full precision."""
    rules = next(iter(_exporter().PRECISIONS.values()))
    return Tolerance(rules.tolerance, rules.relative)


def export_model(
    request: ExportRequest, output: Path, precision: str | None = None
) -> TextParityReport:
    """Export a model and return the comparison with the training framework.

    Args:
        request: The model, and what it is compared by.
        output: The folder.
        precision: One of `precisions()`; by default the full one.

    Raises:
        ExportError: There is no such precision, it cannot be written here, the format cannot hold
            the model, the exported model answers differently, or `output` is something else; an
            earlier export in `output` stays as it was.
    """
    exporter = _exporter()
    chosen = precision or next(iter(exporter.PRECISIONS))
    if chosen not in exporter.PRECISIONS:
        offered = " or ".join(exporter.PRECISIONS)
        raise ExportError(f"The runtime has no precision {chosen!r}: choose {offered}.")
    rules = exporter.PRECISIONS[chosen]
    if rules.exporter and not environments.can_be_made():
        raise ExportError(
            f"The precision {chosen} is written in an environment of its own, which `make export` "
            f'makes: run `make export ARGS="--precision {chosen}"`.'
        )
    with replacing_folder(output) as folder:
        exporter.write_model(request, folder / exporter.MODEL_FILE, chosen)
        write_reference(folder, request.reference)
        model = TextModel(
            format=exporter.FORMAT,
            model_file=exporter.MODEL_FILE,
            tolerance=rules.tolerance,
            relative_tolerance=rules.relative,
            precision=chosen,
            agreement=rules.agreement,
            equal_text=rules.equal_text,
            format_options=exporter.FORMAT_OPTIONS,
            origin=request.origin,
        )
        with exporter.open_model(folder / exporter.MODEL_FILE) as generator:
            report = _passed(check_text_parity(generator, folder, model))
        write_text_model(folder, replace(model, parity=report.to_json()))
    return report


def _exporter() -> Exporter:
    module = importlib.import_module(f".{_EXPORTERS[load_answers().inference]}", __package__)
    return cast(Exporter, module)


def _passed(report: TextParityReport) -> TextParityReport:
    if not report.passed:
        raise ExportError(
            "The exported model answers differently from the trained one (equal texts: "
            f"{report.equal_texts} of {report.texts}, same likeliest tokens: "
            f"{100 * (report.agreement or 0):.1f} %, largest difference of a log-probability "
            f"{report.max_abs_difference:.3g}, tolerance {report.tolerance:.3g}): nothing was kept."
        )
    return report
