"""envkeep of the work tree, in a process of its own on a made-up project."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"


def variables(project: Path, **more: str) -> dict[str, str]:
    """Return the environment in which ``import envkeep`` is about a project.

    Args:
        project: Its folder.
        more: Further variables.
    """
    own = {"PYTHONPATH": str(SOURCE), "ENVKEEP_PROJECT": str(project), "ENVKEEP": str(SOURCE)}
    return {**os.environ, **own, **more}
