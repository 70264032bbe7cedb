"""The update command of a project, and what it saves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def make_update(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the project's own command with the Copier of this environment."""
    program = Path(sys.executable).with_name("copier")
    return subprocess.run(
        [sys.executable, "-B", "keep.py", "update", "--in-place", *arguments],
        cwd=project,
        env={**os.environ, "COPIER": str(program)},
        capture_output=True,
        text=True,
        check=False,
    )


def saved_diffs(project: Path) -> dict[str, Path]:
    """Return the edits that the command saved, by the path of the edited file."""
    folders = (project / ".cache" / "updates").glob("*")
    found = (
        (path.relative_to(folder), path) for folder in folders for path in folder.rglob("*.diff")
    )
    return {relative.as_posix().removesuffix(".diff"): path for relative, path in found}


def saved_files(project: Path) -> dict[str, bytes]:
    """Return the template's files that the command saved to compare with, by path."""
    (folder,) = (project / ".cache" / "updates").iterdir()
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
