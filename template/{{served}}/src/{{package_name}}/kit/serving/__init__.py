# Owned by the template: every update rewrites this file. Your own routes go to serving.py.
"""The model behind HTTP. `make serve` starts it, and docs/serving.md tells of it.

`application` is the same for every kind of model: errors, limits, keys, logs, metrics, health. What
a kind of model answers is a `service.Service`: `predicting` is the one for models of arrays,
`generating` the one for models of text. A project has one of the two.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def generates_text() -> bool:
    """Tell whether the project's model generates text."""
    return find_spec(f"{__name__}.generating") is not None


def module_of_service() -> Any:
    """Return the module of the service that this project has."""
    return import_module(".generating" if generates_text() else ".predicting", __name__)
