"""Fixtures for tests of several processes: the project's data and settings."""

from __future__ import annotations

from ..training.conftest import *  # noqa: F403
