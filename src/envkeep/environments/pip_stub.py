"""Write a program `pip` that says what to do instead.

Without it a shell in which the environment is activated takes the pip of another Python, and
installs there.
"""

from __future__ import annotations

import os
from pathlib import Path

from envkeep.paths import scripts
from envkeep.project.metadata import python_version

SENTENCE = (
    "pip: these environments are never changed; in the project's folder "
    '`make try CHANGE="NAME==VERSION"` tries a package beside them.'
)
FOR_SHELLS = f"#!/bin/sh\ncat >&2 <<'END'\n{SENTENCE}\nEND\nexit 1\n"
FOR_WINDOWS = f"@echo off\r\necho {SENTENCE} 1>&2\r\nexit /b 1\r\n"


def write(environment: Path) -> None:
    """Write the program, unless the environment has a real pip."""
    folder = scripts(environment)
    if any((folder / name).exists() for name in ("pip", "pip.exe")):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pip", "pip3", f"pip{python_version()}"):
        program = folder / name
        program.write_text(FOR_SHELLS, encoding="utf-8", newline="\n")
        program.chmod(0o755)
        if os.name == "nt":
            program.with_name(f"{name}.cmd").write_text(FOR_WINDOWS, encoding="utf-8", newline="")
