"""What nobody needs is listed and deleted, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.engine import variables

PRUNE = """
import argparse
from envkeep.cli.output import show
from envkeep.commands import prune
show(prune.run(argparse.Namespace(keep=1, dry_run={dry_run})))
"""
NAMES = "from envkeep.toolchain import pinned_tools as pinned; print(pinned.TOOLCHAIN._folder())"
OLD, ACTIVE, HALF = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"
RUNNING, EARLIER, CUT_OFF = (f"envkeep-{digit * 12}" for digit in "abc")
BEING_UNPACKED, LEFT_UNPACKING = "unpacking-aaaaaaaa", "unpacking-bbbbbbbb"
A_DAY = 24 * 60 * 60

Prune = Callable[[bool], list[str]]


def in_python(project: Path, code: str) -> str:
    given = variables(project, XDG_CACHE_HOME=str(project.parent / "cache"))
    given["PYTHONPATH"] += f"{os.pathsep}{project / '.venvs' / RUNNING}"  # as keep.py does
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env=given,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


@pytest.fixture
def prune(project: Path) -> Prune:
    """Return what prunes the project, or says what it would, and the lines that it prints."""
    return lambda dry_run: in_python(project, PRUNE.format(dry_run=dry_run)).splitlines()


@pytest.fixture
def needed(project: Path) -> set[str]:
    """Return what stays in the project."""
    (project / ".python-version").write_text("3.12\n")
    for name in ("toolchain", "audit"):
        lock = project / "requirements" / "stack" / f"{name}.txt"
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
    environments = project / ".venvs"
    for number, name in enumerate((OLD, ACTIVE)):
        generation(project, name, number)
    (environments / ACTIVE / "pyvenv.cfg").write_text(f"home = {environments}/conda-python-3.11\n")
    (project / ".venv").symlink_to(environments / ACTIVE)
    toolchain = Path(in_python(project, NAMES).strip())
    staying = ("mine", "conda-python-3.11", "conda-python-3.12", RUNNING, BEING_UNPACKED)
    for name in (*staying, toolchain.name):
        file_in(environments / name)
    (toolchain / "complete").write_text(str(toolchain))
    (environments / RUNNING / "complete").touch()
    for name, rows in {
        "going-on": [{"lock": "1"}],
        "ended": [{"lock": "1"}, {"ended": "x"}],
    }.items():
        log = project / ".cache" / "bisect" / name / "log.jsonl"
        log.parent.mkdir(parents=True)
        log.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return entries(project) - {f".venvs/{OLD}", ".cache/bisect/ended"}


@pytest.fixture
def unneeded(project: Path, needed: set[str]) -> set[str]:
    """Return what goes."""
    names = {
        f".venvs/{HALF}",
        ".venvs/toolchain-000000000000",
        ".venvs/audit-000000000000",
        ".venvs/conda-python-3.10",
        f".venvs/{EARLIER}",
        f".venvs/{CUT_OFF}",
        f".venvs/{LEFT_UNPACKING}",
        ".cache/tries/dddddddddddd",
        ".cache/wheels/torch-2.0-python-3.12",
    }
    for name in names:
        file_in(project / name)
    for name in ("toolchain", "audit"):
        (project / ".venvs" / f"{name}-000000000000" / "complete").touch()
    (project / ".venvs" / EARLIER / "complete").touch()
    a_day_ago = time.time() - A_DAY
    os.utime(project / ".venvs" / LEFT_UNPACKING, (a_day_ago, a_day_ago))
    return {*names, f".venvs/{OLD}", ".cache/bisect/ended"}


def generation(project: Path, name: str, number: int) -> None:
    facts = {
        "name": name,
        "kind": "development",
        "lock_sha256": "",
        "project_sha256": "",
        "python": "3.12",
        "created": f"2026-01-0{number + 1}",
        "reason": "make install",
        "project_folder": str(project),
    }
    file_in(project / ".venvs" / name)
    (project / ".venvs" / name / "generation.json").write_text(json.dumps(facts))


def file_in(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"0" * 1000)


def entries(project: Path) -> set[str]:
    """Return the folders that could be deleted."""
    places = (".venvs", ".cache/bisect", ".cache/tries", ".cache/wheels")
    found = [path for place in places for path in (project / place).glob("*/")]
    return {path.relative_to(project).as_posix() for path in found}


def named(lines: list[str], word: str) -> set[str]:
    return {line.removeprefix(word).partition(",")[0] for line in lines if line.startswith(word)}


def test_a_dry_run_lists_what_goes_and_changes_nothing(
    project: Path, prune: Prune, needed: set[str], unneeded: set[str]
) -> None:
    lines = prune(True)
    assert named(lines, "would delete ") == unneeded
    assert len([line for line in lines if line.startswith("would delete ")]) == len(unneeded)
    assert entries(project) == needed | unneeded
    assert "would be freed" in lines[-1]


def test_what_is_needed_stays(
    project: Path, prune: Prune, needed: set[str], unneeded: set[str]
) -> None:
    lines = prune(False)
    killed = {f".venvs/{HALF}", f".venvs/{CUT_OFF}"}
    assert named(lines, "Removed ") == killed
    assert named(lines, "deleted ") == unneeded - killed
    assert entries(project) == needed
    assert prune(False) == ["There is nothing to delete."]


def test_files_that_others_have_too_are_not_counted_as_freed(
    project: Path, prune: Prune, needed: set[str]
) -> None:
    shared = project / ".venvs" / OLD / "file"
    os.link(shared, project / "elsewhere")
    last = prune(False)[-1]
    assert "uv's cache or environments have the rest as well" in last


def test_a_project_without_environments(prune: Prune) -> None:
    assert prune(True) == prune(False) == ["There is nothing to delete."]
