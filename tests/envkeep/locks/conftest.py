"""A project whose layers are groups, for the tests of what package managers are told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.locks import (
    constraints,
    group_lock,
    groups,
    indexes,
    lock_set,
    poetry_project,
    python_range,
    torch_builds,
    uv_project,
)
from envkeep.project import metadata, requirements, target
from envkeep.staging import group_changes
from envkeep.toolchain import interpreters
from tests.envkeep.locks.grouped import FILES, OWN, PLAIN
from tests.support.catalog import torch_version


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the requirements of a project for the CPU and CUDA, and its pyproject.toml."""
    folder = tmp_path / "requirements"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(OWN, encoding="utf-8")
    for module in (requirements, constraints):
        monkeypatch.setattr(module, "REQUIREMENTS", folder)
        monkeypatch.setattr(module, "STACK", folder / "stack")
        monkeypatch.setattr(module, "OVERRIDES", folder / "overrides.txt")
        monkeypatch.setattr(module, "ORDER", folder / "order.txt")
    monkeypatch.setattr(indexes, "INDEXES", folder / "indexes.toml")
    monkeypatch.setattr(indexes, "REQUIREMENTS", folder)
    monkeypatch.setattr(indexes, "OVERRIDES", folder / "overrides.txt")
    monkeypatch.setattr(constraints, "CONSTRAINTS", folder / "stack" / "constraints.txt")
    monkeypatch.setattr(group_changes, "REQUIREMENTS", folder)
    monkeypatch.setattr(uv_project, "TOOLCHAIN_LOCK", folder / "stack" / "toolchain.txt")
    for module in (groups, group_changes):
        monkeypatch.setattr(module, "PYPROJECT", tmp_path / "pyproject.toml")
    for module in (lock_set, group_lock):
        monkeypatch.setattr(module, "LOCKS", folder / "locks")
    monkeypatch.setattr(group_lock, "ROOT", tmp_path)
    for module in (constraints, lock_set, python_range):
        monkeypatch.setattr(module, "python_version", lambda: "3.12")
    monkeypatch.setattr(interpreters, "whole_version", lambda: "3.12.7")
    torch = {"version": torch_version(), "index": "https://wheels.example/whl"}
    facts = {"package_name": "shop", "builds": {"cpu": "cpu", "cuda": PLAIN}, "torch": torch}
    for module in (metadata, torch_builds, target, poetry_project):
        monkeypatch.setattr(module, "project_metadata", lambda: facts)
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    return folder
