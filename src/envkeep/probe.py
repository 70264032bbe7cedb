"""Ask programs and read files of which nobody knows whether they are there; nothing here fails."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 10  # seconds; a driver without its daemon takes some to wake up a machine's GPUs


@dataclass(frozen=True)
class Answer:
    """What a program printed, errors included, and whether it ended well and in time."""

    text: str
    good: bool


def text_of(path: Path) -> str:
    """Return the text of a file, or an empty one if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def ask(
    program: str,
    *arguments: str,
    patience: float | None = None,
    variables: Mapping[str, str] | None = None,
) -> Answer:
    """Return what a program answers; one that is missing or takes too long is no good.

    Args:
        program: Its name or path.
        arguments: What it is called with.
        patience: How many seconds it may take, if not as long as vendors' commands.
        variables: Its environment variables, if not this process's own.
    """
    limit = PATIENCE if patience is None else patience
    try:
        started = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=variables,
        )
    except (OSError, ValueError):
        return Answer("", False)
    try:
        text = started.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        _abandon(started)
        return Answer(f"{Path(program).name} did not answer within {limit:g} seconds", False)
    return Answer(text, started.returncode == 0)


def _abandon(program: subprocess.Popen[str]) -> None:
    """Kill a program; one that waits for a dead GPU does not even end then."""
    program.kill()
    with suppress(subprocess.TimeoutExpired):
        program.wait(timeout=1)
    if program.stdout:
        program.stdout.close()
