"""Which environment a command of the package runs in."""

from __future__ import annotations

from typing import Any

import pytest

from envkeep.commands import project_tasks
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind


@pytest.mark.parametrize(
    ("command", "facts", "kind"),
    [
        ("predict", {}, PRODUCTION),
        ("train", {"serves": True}, DEVELOPMENT),
        ("serve", {"serves": True}, PRODUCTION),
        ("load", {"serves": True}, PRODUCTION),
        ("openapi", {"serves": True}, PRODUCTION),
        ("serve", {}, DEVELOPMENT),
    ],
)
def test_what_asks_the_model_runs_in_production(
    monkeypatch: pytest.MonkeyPatch, command: str, facts: dict[str, Any], kind: Kind
) -> None:
    monkeypatch.setattr(project_tasks, "project_metadata", lambda: facts)
    assert project_tasks._kind_of(command) is kind
