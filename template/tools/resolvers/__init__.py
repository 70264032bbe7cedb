# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Resolvers behind one interface: pip-compile for this platform, uv for every platform."""

from __future__ import annotations

from .pip_compile import PipCompile
from .uv import Uv

__all__ = ["PipCompile", "Uv"]
