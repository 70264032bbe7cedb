# Owned by the template: every update rewrites this file. What Keras computes with: `keras_backend`.
"""Imports Keras with the backend that the project was made for; take it from here.

    from .keras_backend import keras

Keras chooses its backend when it is imported for the first time, so this is the one place that does
so. The answer `keras_backend` overrides the variable KERAS_BACKEND: it says what is installed. The
settings that Keras keeps go to a folder of the project, as those of a home folder would change the
results of one machine; KERAS_HOME names another folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from .answers import load_answers
from .errors import ConfigError

os.environ["KERAS_BACKEND"] = load_answers().keras_backend
os.environ.setdefault("KERAS_HOME", str(Path(".cache/keras").absolute()))

import keras

__all__ = ["by_name", "computing_on", "keras"]

if keras.backend.backend() != load_answers().keras_backend:
    raise ConfigError(
        f"Keras was imported before this package, with {keras.backend.backend()}: import it from "
        f"{__name__}, which takes {load_answers().keras_backend}."
    )


def computing_on(device: Any) -> AbstractContextManager[None]:
    """Let Keras compute on a device of torch or JAX, and keep there what it makes."""
    name = f"{device.platform}:{device.id}" if hasattr(device, "platform") else str(device)
    return cast(AbstractContextManager[None], keras.device(name))


def by_name(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """Let a function of a model, such as `predict_on_batch`, take its inputs by their names.

    Keras takes one input alone, and several as a mapping.
    """

    def call(*alone: Any, **named: Any) -> Any:
        return function(alone[0] if alone else named)

    return call
