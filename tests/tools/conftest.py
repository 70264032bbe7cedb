"""The tools read the stack's own catalog here, as a rendered project would."""

from __future__ import annotations

import pytest

from template.tools import backends, catalog, index_facts
from template.tools.errors import ToolError
from tests.support.catalog import rows

TABLES = ("platforms", "backends", "builds", "gpus", "companions")


@pytest.fixture(autouse=True)
def stack_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the tools the stack's catalog, and no variables of this machine."""
    monkeypatch.setattr(catalog, "_content", lambda: {table: rows(table) for table in TABLES})
    monkeypatch.delenv("BACKEND", raising=False)
    monkeypatch.delenv("CI", raising=False)
    backends.chosen.cache_clear()


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test ask an index: what it would say is said by the tests that are about it."""

    def refused(question: str, rows: object) -> None:
        raise ToolError("nobody could be asked")

    monkeypatch.setattr(index_facts, "_asked", refused)
