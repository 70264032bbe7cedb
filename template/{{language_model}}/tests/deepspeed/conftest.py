"""Fixtures for tests of DeepSpeed: the example, and a run without it."""

from __future__ import annotations

from ..training.conftest import adapted, config, data, run_id, settings, trained

__all__ = ["adapted", "config", "data", "run_id", "settings", "trained"]
