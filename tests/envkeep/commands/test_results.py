"""What commands return for people and for programs; the same facts are in both."""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from envkeep.commands import check_files, environments, licenses, links, rollback
from envkeep.environments import store
from envkeep.environments.store import DEVELOPMENT, Environment
from envkeep.staging import staged


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Return the only environment of a project, which is active."""
    monkeypatch.setattr(store, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(store, "exclusive", nullcontext)
    environment = Environment(
        name="0123456789ab",
        kind=DEVELOPMENT.name,
        lock_sha256="f" * 64,
        project_sha256="",
        python="3.12.1",
        created="2026-01-01T00:00:00+00:00",
        reason="make install",
        project_folder=str(tmp_path),
    )
    environment.folder.mkdir()
    (environment.folder / "file").write_bytes(b"0" * 1500)
    monkeypatch.setattr(store, "complete", lambda: [environment])
    monkeypatch.setattr(store, "is_active", lambda _: True)
    monkeypatch.setattr(store, "roll_back", lambda kind, name: environment)
    monkeypatch.setattr(staged, "kept", lambda: [])
    return environment


def test_environments(made: Environment) -> None:
    result = environments.run(argparse.Namespace())
    (row,) = result.data
    assert (row["name"], row["active"], row["size"]) == (made.name, True, 1500)
    header, line = result.lines
    assert header.split() == ["name", "for", "made", "size", "lock", "by"]
    assert line.split()[:3] == ["*", made.name, "development"]
    json.dumps(result.data)


def test_no_environment(made: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "complete", lambda: [])
    result = environments.run(argparse.Namespace())
    assert result.data == []
    assert result.lines == ["There is no environment yet; `make install` makes one."]


@pytest.mark.parametrize(("prod", "command"), [(False, "install"), (True, "install-prod")])
def test_rollback_says_how_to_return(prod: bool, command: str, made: Environment) -> None:
    result = rollback.run(argparse.Namespace(prod=prod, name=None))
    assert result.data["environment"] == made.name
    assert result.lines[-1] == f"`make {command}` returns to the environment of the locks."


def test_files_with_problems_fail(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("text\n")
    bad.write_text("text")
    assert check_files.run(argparse.Namespace(files=[str(good)])).exit_code == 0
    result = check_files.run(argparse.Namespace(files=[str(good), str(bad)]))
    assert (result.exit_code, len(result.lines)) == (1, 1)
    assert result.data == result.lines


def test_dead_links_fail_with_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](gone.md) [b](page.md)\n")
    monkeypatch.setattr(links, "ROOT", tmp_path)
    monkeypatch.setattr(links, "_pages", lambda: [page])
    result = links.run(argparse.Namespace())
    assert result.exit_code == 1
    assert result.error == "1 links lead nowhere; correct or remove them."
    assert result.data == {"pages": 1, "dead": [{"page": str(page), "link": "gone.md"}]}
    assert result.lines == [f"{page}: gone.md"]


@pytest.mark.parametrize(("denied", "code"), [(False, 0), (True, 1)])
def test_licenses_keep_their_keys(denied: bool, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [licenses.LockedLicense("numpy", "2.0", "BSD-3-Clause", denied)]
    monkeypatch.setattr(licenses, "locked_licenses", lambda kind: rows)
    result = licenses.run(argparse.Namespace(production=False))
    assert result.exit_code == code
    (row,) = result.data
    assert list(row) == ["name", "version", "license", "denied"]
    assert ("denies the license of numpy 2.0 (BSD-3-Clause)" in result.error) == denied
