# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Where a result comes from: code, environment and machine."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import ProjectError
from ..files import read_json

_FRAMEWORKS = ("torch", "transformers", "keras", "jax")
GENERATION_FILE = "generation.json"
_GIT_TIMEOUT_SECONDS = 30


def git_facts() -> dict[str, Any]:
    """Returns the commit and whether the work tree differs from it; nulls without git."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain") if commit else None
    return {"git_commit": commit, "git_dirty": None if changes is None else bool(changes)}


def environment_facts() -> dict[str, Any]:
    """Returns the lock that the environment was made from, the main versions and the platform."""
    return {
        **_generation_facts(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        **{name: version for name in _FRAMEWORKS if (version := _version(name))},
        "platform": platform.platform(),
    }


def _generation_facts() -> dict[str, Any]:
    """Reads what envkeep wrote into the environment; nulls for any other environment."""
    try:
        generation = read_json(Path(sys.prefix) / GENERATION_FILE)
    except ProjectError:
        generation = {}
    return {"lock_sha256": generation.get("lock_sha256"), "generation": generation.get("name")}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=_GIT_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
