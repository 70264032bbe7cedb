"""Fixtures for tests of quantised models: a finished run of the example."""

from __future__ import annotations

from ..training.conftest import *  # noqa: F403
