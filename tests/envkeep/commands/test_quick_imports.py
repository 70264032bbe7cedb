"""Commands that answer at once import nothing that they do not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engine import variables


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("targets", {"packaging", "filelock", "envkeep.locks.lockfile"}),
        ("status", {"packaging.requirements", "packaging.specifiers", "filelock"}),
    ],
)
def test_a_quick_command_leaves_slow_imports_out(
    command: str, unneeded: set[str], tmp_path: Path
) -> None:
    code = f"import sys, envkeep.cli.main, envkeep.commands.{command}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=variables(tmp_path),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert unneeded & set(done.stdout.split()) == set()
