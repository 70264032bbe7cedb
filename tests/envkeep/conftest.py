"""The tools read the stack's own catalog here, as a rendered project would."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from envkeep import progress, temporary
from envkeep.errors import ToolError
from envkeep.hardware import catalog
from envkeep.locks import package_index
from envkeep.project import ownership, target
from envkeep.project.ownership import Owned, Owners
from maintain import ROOT
from maintain.ownership.table import load_table
from tests.support.catalog import rows

TEMPLATE = Path(__file__).resolve().parents[2] / "template"
TABLES = ("platforms", "backends", "builds", "gpus", "companions", "indexes")


@pytest.fixture(autouse=True)
def stack_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the tools the stack's catalog, and no variables of this machine."""
    monkeypatch.setattr(catalog, "_content", lambda: {table: rows(table) for table in TABLES})
    monkeypatch.delenv("BACKEND", raising=False)
    monkeypatch.delenv("CI", raising=False)
    target.chosen.cache_clear()


@cache
def owners_of_all() -> Owners:
    """Return the owners of the files of all projects."""
    return Owners(tuple(Owned(row.path, row.owner) for row in load_table(ROOT).paths))


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the tools the stack's table of owners."""
    monkeypatch.setattr(ownership, "_present", owners_of_all)


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands keep their logs and records of temporary folders apart from this repository."""
    monkeypatch.setattr(temporary, "AT_WORK", tmp_path / "at-work")
    monkeypatch.setattr(progress, "LOGS", tmp_path / "logs")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder under git with the launcher, two locks, and nothing else of a project."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy2(TEMPLATE / "keep.py", folder)
    locks = folder / "requirements" / "locks" / "linux-x86_64-cpu"
    locks.mkdir(parents=True)
    for name in ("a.txt", "b.txt"):
        (locks / name).write_text("old")
    (folder / ".gitignore").write_text(".cache/\n.venvs/\n")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test ask an index: what it would say is said by the tests that are about it."""

    def refused(names: object) -> None:
        raise ToolError("nobody could be asked")

    monkeypatch.setattr(package_index, "files_of", refused)
