"""An old repository gets the environment in which it last worked, and the way on from there.

For real: PyPI's upload times, its packages of that day, the repository's own tests, and a bisect.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hooks.adopt import BRANCH
from tests.adopt.repository import Adopted, of_files
from tests.lifecycle.projects import ENVIRONMENT, succeeded
from tests.support.copier_runs import git, stage

pytestmark = [pytest.mark.slow, pytest.mark.network]
DAY = "2023-05-02"
FILES = {
    "requirements.txt": "pydantic\nrich\n",
    "flowers/__init__.py": """\
from pydantic import BaseModel, BaseSettings


class Settings(BaseSettings):
    petals: int = 5


class Flower(BaseModel):
    petals: int
""",
    "tests/test_flowers.py": """\
from flowers import Flower, Settings


def test_a_flower_has_its_petals():
    assert Flower(petals="5").dict() == {"petals": Settings().petals}
""",
}
"""Settings were a part of pydantic until its second release, of 2023-06-30."""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, whatever its exit code."""
    kept = {name: value for name, value in ENVIRONMENT.items() if name not in ("COPIER", "PYTHON")}
    return subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, check=False
    )


def test_its_tests_pass_as_of_the_last_commit_and_bisect_names_what_broke_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "flowers"
    with monkeypatch.context() as then:
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            then.setenv(name, f"{DAY}T12:00:00Z")
        of_files(folder, FILES)
    template = stage(tmp_path / "template", "998.0.0")
    made = Adopted(folder, template)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    answers = ("--data", f"python_version={python}", "--data", "profile=minimal")
    command = [sys.executable, "hooks/adopt.py", str(folder), "--yes", "--source", str(template)]
    root = Path(__file__).resolve().parents[2]
    adopting = subprocess.run(
        [*command, "--as-of", "last-commit", *answers],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "it locks for this machine" in succeeded(adopting).stdout
    git(folder, "switch", "--quiet", BRANCH)
    succeeded(run(folder, "make", "setup"))
    assert "1 passed" in succeeded(run(folder, "make", "test")).stdout
    pins = made.lines("requirements/overrides.txt")
    assert any(line.startswith("pydantic==1.10.") for line in pins)
    git(folder, "add", "--all")
    git(folder, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "Locks of then")

    overrides = folder / "requirements" / "overrides.txt"
    overrides.write_text("", encoding="utf-8")
    succeeded(run(folder, sys.executable, "keep.py", "lock", "--fast", "--quiet"))
    bisect = ("keep.py", "bisect", "--good", "HEAD", "--repeat", "1", "--", "pytest", "-q", "tests")
    found = succeeded(run(folder, sys.executable, *bisect)).stdout
    (verdict,) = (line for line in found.splitlines() if "break it" in line or "breaks it" in line)
    assert verdict.startswith("pydantic 1.10.")
    assert "rich" not in verdict.partition(" break")[0]
