"""Try whether the plan locks, in a folder of its own, before anything is written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from envkeep import progress
from hooks.machine_answers import find_python

_LOCK = ("keep.py", "lock", "--fast")


@dataclass(frozen=True)
class Trial:
    """Whether a plan locks.

    Attributes:
        verdict: The outcome, for people.
        reason: Why it does not lock, "" if it does or could not be tried.
    """

    verdict: str
    reason: str = ""


def lock(written: Mapping[str, bytes], python: str) -> Trial:
    """Lock for this machine's platform, as the first `make lock` will.

    Args:
        written: The files that the plan writes.
        python: The Python that it answers.
    """
    if find_python(python) is None:
        return Trial(f"not tried: Python {python} is not on this machine")
    with tempfile.TemporaryDirectory(prefix="adopt-lock-") as folder:
        for path, content in written.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(content)
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with progress.waiting("trying whether the plan locks"):
            done = subprocess.run(
                [sys.executable, *_LOCK],
                cwd=folder,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
        if not done.returncode:
            return Trial("it locks for this machine")
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        said = lines[-1].removeprefix("error: ") if lines else done.stderr.strip()[-300:]
        return Trial("it does not lock", f"`make lock` will fail: {said}")
