"""A promotion that is cut off after any file can be completed; a changed file stops it before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.locks import package_managers
from envkeep.staging import prepare, staged
from envkeep.staging.staged import StagedEnvironment

BEFORE = {"requirements/a.in": b"old", "requirements/gone.in": b"old"}
AFTER = {"requirements/a.in": b"new", "requirements/locks/b.txt": b"new"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with two files of requirements."""
    root = tmp_path / "project"
    for module in (staged, prepare):
        monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(prepare, "REQUIREMENTS", root / "requirements")
    monkeypatch.setattr(package_managers, "package_manager", lambda: "pip-tools")
    monkeypatch.setattr(staged, "TRIES", root / ".cache" / "tries")
    write(root, BEFORE)
    return root


@pytest.fixture
def chosen(project: Path, tmp_path: Path) -> StagedEnvironment:
    """Return a staged environment that changes a file, adds one and removes one."""
    copy = tmp_path / "copy"
    write(copy, AFTER)
    after = prepare.changed_files(copy)
    found = StagedEnvironment("abc", "a change", "2026", True, "", staged.hashes_now(after), after)
    staged.keep(found, copy)
    return staged.find(None)


def write(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def read(root: Path) -> dict[str, bytes]:
    top = root / "requirements"
    files = (path for path in top.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_what_was_tried_is_written(project: Path, chosen: StagedEnvironment) -> None:
    assert set(chosen.after) == {*BEFORE, *AFTER}
    staged.write_into_project(chosen)
    assert read(project) == AFTER


@pytest.mark.parametrize("written", [0, 1])
def test_what_was_cut_off_is_completed(
    project: Path, chosen: StagedEnvironment, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, left = staged.write_whole, [None] * written

    def killed(path: Path, content: bytes) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        whole(path, content)

    with monkeypatch.context() as cut_off:
        cut_off.setattr(staged, "write_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            staged.write_into_project(chosen)
    assert read(project) != AFTER
    staged.write_into_project(staged.find("abc"))
    assert read(project) == AFTER


@pytest.mark.parametrize("path", [*BEFORE, *AFTER])
def test_a_file_that_changed_since_stops_it(
    project: Path, chosen: StagedEnvironment, path: str
) -> None:
    write(project, {path: b"ours"})
    now = read(project)
    with pytest.raises(ToolError, match=rf"{path} was changed since"):
        staged.write_into_project(chosen)
    assert read(project) == now


def test_one_without_its_report_is_none(project: Path, chosen: StagedEnvironment) -> None:
    (chosen.folder / "report.json").write_text('{"name": ')
    assert staged.kept() == []
    with pytest.raises(ToolError, match="nothing was tried yet"):
        staged.find(None)


def test_the_latest_is_the_last_one_whatever_the_clock_says(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for name, created in (("one", "2027"), ("two", "2026"), ("one", "2025"), ("three", "2024")):
        staged.keep(StagedEnvironment(name, name, created, True, ""), copy)
    assert [each.name for each in staged.kept()] == ["two", "one", "three"]
    assert staged.find(None).name == "three"


def test_lines_that_came_into_the_overrides_are_known(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "requirements/overrides.txt"
    monkeypatch.setattr(prepare, "OVERRIDES", project / path)
    write(project, {path: b"# ours\nnumpy==2\n"})
    write(tmp_path / "copy", {path: b"numpy==1\nonnx<1.23\n"})
    assert prepare.added_overrides(tmp_path / "copy") == ["numpy==1", "onnx<1.23"]


def test_what_the_first_release_staged_can_still_be_promoted(project: Path) -> None:
    folder = project / ".cache" / "tries" / "0123456789ab"
    folder.mkdir(parents=True)
    report = {
        "name": folder.name,
        "text": "numpy==2.4",
        "created": "2026-01-01T00:00:00+00:00",
        "good": True,
        "verdict": "the tests pass",
        "before": {},
        "after": {},
        "number": 3,
    }
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert staged.find(folder.name).verdict == "the tests pass"


@pytest.mark.parametrize(("manager", "lock"), [("uv", "uv.lock"), ("poetry", "poetry.lock")])
def test_what_a_package_manager_reads_is_taken_over_too(
    manager: str, lock: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    write(copy, {**BEFORE, "pyproject.toml": b"new", lock: b"new"})
    assert prepare.changed_files(copy) == {}
    monkeypatch.setattr(package_managers, "package_manager", lambda: manager)
    assert {*prepare.changed_files(copy)} == {"pyproject.toml", lock}
