"""Package managers behind one interface."""

from __future__ import annotations

from envkeep.environments.managers.base import Manager
from envkeep.environments.managers.pip_tools import PipTools

__all__ = ["Manager", "chosen"]


def chosen() -> Manager:
    """Return the package manager that this project uses."""
    return PipTools()
