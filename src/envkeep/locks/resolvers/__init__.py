"""Resolvers behind one interface: pip-compile for this platform, uv for every platform."""

from __future__ import annotations

from envkeep.locks.resolvers.pip_compile import PipCompile
from envkeep.locks.resolvers.uv import Uv

__all__ = ["PipCompile", "Uv"]
