"""Fixtures for tests of reports: a finished run of the example."""

from __future__ import annotations

from ..training.conftest import *  # noqa: F403
