"""Run the envkeep of a copy's own files, because an update may replace it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from envkeep.errors import CommandError
from envkeep.process import announce, envkeep_command, run


def report_of(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a command of envkeep in a folder, and return what it reports.

    Args:
        folder: The project, or a copy of it.
        arguments: The command and its arguments.

    Raises:
        CommandError: The command fails; the reason is its own.
    """
    command = envkeep_command(*arguments, "--json", "--verbose")
    announce(command)
    done = run(command, cwd=folder, mode="capture", check=False, stderr="show")
    try:
        data: dict[str, Any] = json.loads(done.text)
    except ValueError:
        data = {}
    if done.code or not data:
        raise CommandError(data.get("error") or f"`{arguments[0]}` failed; its message is above.")
    return data
