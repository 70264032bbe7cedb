"""Fixtures for tests of reports: a finished run of the example."""

from __future__ import annotations

from ..training.conftest import config, data, run_id, settings, trained

__all__ = ["config", "data", "run_id", "settings", "trained"]
