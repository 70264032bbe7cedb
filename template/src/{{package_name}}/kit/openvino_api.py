# Owned by the template: every update rewrites this file. Import OpenVINO through it in yours too.
"""OpenVINO, used so that it reports nothing to its maker.

It sends statistics when it is imported and when it converts a model, and writes `~/intel`, unless
the environment says that a CI service runs it (openvino-telemetry, `OptInChecker`).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_statistics() -> Iterator[Any]:
    """Yield the module `openvino`.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        yield importlib.import_module("openvino")
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before
