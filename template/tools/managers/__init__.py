# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Package managers behind one interface."""

from __future__ import annotations

from .base import Manager
from .pip_tools import PipTools

__all__ = ["Manager", "chosen"]


def chosen() -> Manager:
    """Return the package manager that this project uses."""
    return PipTools()
