"""The tools read the stack's own catalog here, as a rendered project would."""

from __future__ import annotations

import pytest

from template.tools import backends, catalog
from tests.support.catalog import rows

TABLES = ("platforms", "backends", "builds", "gpus", "companions")


@pytest.fixture(autouse=True)
def stack_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the tools the stack's catalog, and no variables of this machine."""
    monkeypatch.setattr(catalog, "_content", lambda: {table: rows(table) for table in TABLES})
    monkeypatch.delenv("BACKEND", raising=False)
    monkeypatch.delenv("CI", raising=False)
    backends.chosen.cache_clear()
