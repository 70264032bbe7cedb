"""Paths of this project; no other module spells them."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "ENVKEEP_PROJECT"
"""Names the project's folder; `keep.py` sets it before it imports this package."""

ROOT = Path(os.environ.get(FOLDER_VARIABLE) or Path.cwd()).resolve()
LAUNCHER = ROOT / "keep.py"
DOCKERFILE = ROOT / "Dockerfile"
PYPROJECT = ROOT / "pyproject.toml"
UV_LOCK = ROOT / "uv.lock"
POETRY_LOCK = ROOT / "poetry.lock"
PYTHON_VERSION = ROOT / ".python-version"
SOURCE = ROOT / "src"
REQUIREMENTS = ROOT / "requirements"
STACK = REQUIREMENTS / "stack"
PROJECT_FACTS = STACK / "project.toml"
CATALOG = STACK / "catalog.json"
OWNERS_TABLE = STACK / "owners.json"
CONSTRAINTS = STACK / "constraints.txt"
TOOLCHAIN_LOCK = STACK / "toolchain.txt"
COPIER_LOCK = STACK / "copier.txt"
AUDIT_LOCK = STACK / "audit.txt"
NOTEBOOKS_LOCK = STACK / "notebooks.txt"
POETRY_TOOLS_LOCK = STACK / "poetry.txt"
OVERRIDES = REQUIREMENTS / "overrides.txt"
ORDER = REQUIREMENTS / "order.txt"
INDEXES = REQUIREMENTS / "indexes.toml"
ACCEPTED_VULNERABILITIES = REQUIREMENTS / "accepted-vulnerabilities.txt"
LOCKS = REQUIREMENTS / "locks"
ENVIRONMENTS = ROOT / ".venvs"
DEVELOPMENT_LINK = ROOT / ".venv"
WHEELS = ROOT / ".cache" / "wheels"
AT_WORK = ROOT / ".cache" / "at-work"
STAGED = ROOT / ".cache" / "staged"
RESOLUTIONS = ROOT / ".cache" / "resolutions"
LOGS = ROOT / ".cache" / "logs"
UPDATES = ROOT / ".cache" / "updates"
SEEN_WHOLE = ROOT / ".cache" / "seen-whole"
SAVED = ROOT / "saved"
TREE = ROOT / ".cache" / "update-tree"
TREE_FACTS = ROOT / ".cache" / "update-tree.json"
TRIES = ROOT / ".cache" / "tries"
SBOMS = ROOT / ".cache" / "sbom"
BISECTIONS = ROOT / ".cache" / "bisect"
CONDA_FILE = ROOT / "environment.yml"
CONDA_OWN = ROOT / "conda.txt"
CONDA_HERE = ROOT / ".cache" / "conda" / "environment.yml"
ALL_FILES = ROOT / ".cache" / "all-files.git"
ANSWERS = ROOT / ".copier-answers.yml"
EXPECTED = ROOT / "configs" / "expected.toml"
NOTEBOOKS = ROOT / "notebooks"
MODELS = ROOT / "models"
DATA_MANIFEST = ROOT / "data" / "manifest.json"
PRE_COMMIT_CONFIG = ROOT / ".pre-commit-config.yaml"


def scripts(environment: Path) -> Path:
    """Return the folder of an environment that holds its programs."""
    return environment / ("Scripts" if os.name == "nt" else "bin")


def python(environment: Path) -> Path:
    """Return the interpreter of an environment."""
    if os.name == "nt" and (environment / "conda-meta").exists():
        return environment / "python.exe"
    return program(environment, "python")


def program(environment: Path, name: str) -> Path:
    """Return the path of a program in an environment."""
    return scripts(environment) / (f"{name}.exe" if os.name == "nt" else name)


def shown(path: Path | str) -> str:
    """Return a path as people type it in the project's folder."""
    try:
        return Path(path).relative_to(ROOT).as_posix()
    except ValueError:
        return str(path)
