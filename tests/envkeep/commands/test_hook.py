"""A hook of git runs a program of the active environment and shows what it prints, no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engine import variables

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the program is a script of a shell")
CHECK = '#!/bin/sh\necho "looked at $*"\necho "a.py: bad" >&2\nexit 3\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project whose environment has one program, which finds something."""
    program = tmp_path / ".venv" / "bin" / "checker"
    program.parent.mkdir(parents=True)
    program.write_text(CHECK, encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def hook(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "envkeep", "hook", *arguments]
    return subprocess.run(
        command, cwd=project, env=variables(project), capture_output=True, text=True, check=False
    )


def test_what_the_program_says_is_all_that_is_shown(project: Path) -> None:
    done = hook(project, "checker", "--strict", "a b.py")
    assert (done.stdout, done.stderr) == ("looked at --strict a b.py\n", "a.py: bad\n")
    assert done.returncode == 3


def test_a_program_of_the_path_is_never_taken(project: Path) -> None:
    done = hook(project, "sh", "-c", "echo no")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: there is no sh in .venv; run `make install`.\n"


def test_one_without_a_build_for_the_platform_checks_nothing(project: Path) -> None:
    done = hook(project, "--optional", "missing", "a.py")
    assert done.returncode == 0
    assert done.stdout == "note: there is no missing for this platform; nothing was checked.\n"
