# Owned by the template: every update rewrites this file. Your own code: beside this folder.
"""Keep a project's own module where a folder of the same name came beside it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def prefer_own(name: str) -> None:
    """Let a file beside a package stand for it, as a folder `model/` would hide `model.py`.

    The file gets the names that it lacks from the package, as other modules may import them.

    Args:
        name: Name of the package, after its own imports.
    """
    package = sys.modules[name]
    path = Path(f"{package.__path__[0]}.py")
    if not path.is_file():
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    own = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(own)
    for key, value in vars(package).items():
        if not key.startswith("__"):
            vars(own).setdefault(key, value)
