"""Fixtures for tests of quantised models: a finished run of the example."""

from __future__ import annotations

from ..training.conftest import config, data, run_id, settings, trained

__all__ = ["config", "data", "run_id", "settings", "trained"]
