"""Metadata of this project, from the template's answers and its stack release."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkeep.errors import ToolError
from envkeep.paths import PROJECT_FACTS, PYPROJECT, PYTHON_VERSION, ROOT, SOURCE

if TYPE_CHECKING:
    from envkeep.hardware.machine import Machine

RESTORE = "restore it with `git checkout -- requirements/stack`"
REQUIRED = ("package_name", "stack_release", "builds")


@cache
def project_metadata() -> dict[str, Any]:
    """Return ``requirements/stack/project.toml``.

    Raises:
        ToolError: The file is missing or damaged.
    """
    try:
        content = tomllib.loads(PROJECT_FACTS.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(
            f"requirements/stack/project.toml cannot be read ({error}); {RESTORE}."
        ) from error
    missing = [name for name in REQUIRED if name not in content]
    if missing:
        raise ToolError(f"requirements/stack/project.toml has no {missing[0]}; {RESTORE}.")
    return content


def is_adopted() -> bool:
    """Tell whether the project was adopted: then its code is its own alone."""
    return bool(project_metadata().get("adopted", False))


def package_manager() -> str:
    """Return the package manager that the answers name."""
    return str(project_metadata().get("package_manager", "pip-tools"))


@cache
def machine() -> Machine:
    """Return what was detected on this machine, once."""
    from envkeep.hardware.machine import detect  # most of what reads metadata does without

    return detect()


def python_version() -> str:
    """Return the project's Python as ``major.minor``.

    Raises:
        ToolError: ``.python-version`` is missing or holds something else.
    """
    try:
        text = PYTHON_VERSION.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ToolError(".python-version is missing; restore it with git.") from error
    found = re.match(r"(\d+\.\d+)(\.\d+)?$", text)
    if not found:
        raise ToolError(f".python-version holds {text!r}; write a version such as 3.12 there.")
    return found.group(1)


def own_names() -> frozenset[str]:
    """Return the names by which the project itself is installed, which no lock has."""
    from packaging.utils import canonicalize_name  # imports slowly, and `make` does without

    names = {str(project_metadata()["package_name"])}
    with suppress(OSError, ValueError, LookupError, TypeError):  # who needs it says what is wrong
        names.add(str(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["name"]))
    return frozenset(map(canonicalize_name, names))


def own_table() -> dict[str, Any]:
    """Return the team's settings: the table ``[tool.project]`` of ``pyproject.toml``.

    Raises:
        ToolError: The file cannot be read.
    """
    table = _pyproject().get("tool", {}).get("project", {})
    return table if isinstance(table, dict) else {}


def source_hash() -> str:
    """Return the SHA-256 of what the project's wheel is built from."""
    folders = (
        SOURCE,
        ROOT / str(project_metadata()["package_name"]),
    )  # the package may lie beside src/
    found = (path for folder in folders for path in folder.rglob("*"))
    files = [path for path in found if path.is_file() and not _is_made(path)]
    digest = hashlib.sha256()
    for path in sorted([*files, PYPROJECT]):
        digest.update(f"\0{path.relative_to(ROOT).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def has_own_build() -> bool:
    """Tell whether the project's package is built by more than setuptools alone.

    Raises:
        ToolError: ``pyproject.toml`` cannot be read.
    """
    build = _pyproject().get("build-system", {})
    return bool(build) and build != {
        "requires": ["setuptools"],
        "build-backend": "setuptools.build_meta",
    }


def editable_install_hash() -> str:
    """Return the SHA-256 of what an editable install takes from ``pyproject.toml``.

    Raises:
        ToolError: The file cannot be read.
    """
    settings = _pyproject()
    project = settings.get("project", {})
    taken = {name: project.get(name) for name in ("name", "scripts", "gui-scripts", "entry-points")}
    taken["setuptools"] = settings.get("tool", {}).get("setuptools")
    if has_own_build():
        taken["build-system"] = settings["build-system"]
    return hashlib.sha256(json.dumps(taken, sort_keys=True).encode()).hexdigest()


def _pyproject() -> dict[str, Any]:
    try:
        return tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); correct it.") from error


def _is_made(path: Path) -> bool:
    return "__pycache__" in path.parts or any(part.endswith(".egg-info") for part in path.parts)
