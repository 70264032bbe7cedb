# Owned by the template: every update rewrites this file. Read it with `load_answers()`.
"""The template's answers that code needs at run time, from `answers.json` of the package."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answers:
    """What was chosen when the project was made or last updated.

    Attributes:
        project_name: The name people read.
        package_name: The name that Python imports.
        training: Training framework, such as `pytorch`, or `none`.
        keras_backend: What Keras computes with, `torch` or `jax`; empty without Keras.
        inference: What runs a trained model, such as `onnxruntime`, or `native`: the framework.
        stack_release: The tested set of versions that the project's pins come from.
    """

    project_name: str
    package_name: str
    training: str
    keras_backend: str
    inference: str
    stack_release: str


@cache
def load_answers() -> Answers:
    """Read the answers; keys that this code does not know are left alone."""
    text = Path(__file__).parents[1].joinpath("answers.json").read_text(encoding="utf-8")
    values = json.loads(text)
    return Answers(**{field.name: str(values[field.name]) for field in fields(Answers)})


def optional(name: str) -> Any:
    """Return a module of the kit that some answers bring; None in the projects of all others."""
    full = f"{__package__}.{name}"
    try:
        found = find_spec(full)
    except ModuleNotFoundError as error:  # nor is the folder there that it would be in
        if not full.startswith(f"{error.name}."):
            raise
        return None
    return import_module(full) if found else None
