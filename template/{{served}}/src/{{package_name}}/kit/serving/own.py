# Owned by the template: every update rewrites this file. What it looks for is yours: serving.py.
"""What the project says of its service in `serving.py`; a project without that file says nothing.

That file may have `Request` and `Prediction`, types of pydantic for what `/predict` takes and
gives, `PAGE`, the name of a file beside it that is shown at `/`, and `add_routes(app)`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

_NAME = f"{__name__.partition('.')[0]}.serving"


def request_type() -> type[BaseModel] | None:
    """Return the type of what `task.prepare` takes."""
    found: type[BaseModel] | None = _own("Request")
    return found


def prediction_type() -> Any:
    """Return the type of what `task.decode` gives for an example."""
    return _own("Prediction") or dict[str, Any]


def page() -> str | None:
    """Return the page at `/`."""
    name = _own("PAGE")
    folder = Path(__file__).parents[2]
    return (folder / name).read_text(encoding="utf-8") if name else None


def add_routes(app: FastAPI) -> None:
    """Let the project add routes and middleware of its own."""
    add = _own("add_routes")
    if add:
        add(app)


def _own(name: str) -> Any:
    return getattr(import_module(_NAME), name, None) if find_spec(_NAME) else None
