"""Programs of `lint` and `format` in an adopted project.

Its own settings of ruff and mypy say what is checked; without any, nothing is.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from envkeep.errors import ToolError
from envkeep.paths import PYPROJECT, ROOT
from envkeep.project.metadata import project_metadata

NOTHING_SAID = (
    "Nothing is checked, as the project has no settings of ruff or mypy: a table [tool.ruff] or "
    "[tool.mypy] in pyproject.toml, also an empty one, makes them check."
)
RUFF_FILES = ("ruff.toml", ".ruff.toml")
MYPY_FILES = ("mypy.ini", ".mypy.ini", "setup.cfg")
SAYS_WHAT = ("files", "modules", "packages")


def lint_steps() -> list[list[str]]:
    """Return the commands that check style and types, as arguments of Python."""
    steps = [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"]] if _uses_ruff() else []
    mypy = _mypy_settings()
    if mypy is None:
        return steps
    if any(name in mypy for name in SAYS_WHAT):
        return [*steps, ["-m", "mypy"]]
    found = package()
    return [*steps, ["-m", "mypy", found]] if found else steps


def format_steps() -> list[list[str]]:
    """Return the commands that fix and format, as arguments of Python."""
    if not _uses_ruff():
        return []
    return [["-m", "ruff", "check", "--fix-only"], ["-m", "ruff", "format"]]


STEPS: Mapping[str, Callable[[], list[list[str]]]] = {"lint": lint_steps, "format": format_steps}


def _uses_ruff() -> bool:
    return any((ROOT / name).exists() for name in RUFF_FILES) or "ruff" in _tool_tables()


def _mypy_settings() -> Mapping[str, Any] | None:
    """Return mypy's settings from the first file that has any, or None."""
    for name in MYPY_FILES:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(ROOT / name, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise ToolError(f"{name} cannot be read ({reason}); fix it.") from error
        if parser.has_section("mypy"):
            return parser["mypy"]
    settings: Mapping[str, Any] | None = _tool_tables().get("mypy")
    return settings


def _tool_tables() -> Mapping[str, Any]:
    try:
        settings = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); fix it.") from error
    tables: Mapping[str, Any] = settings.get("tool", {})
    return tables


def package() -> str | None:
    """Return the folder of the project's package, if it has one."""
    name = str(project_metadata()["package_name"])
    folders = (Path("src", name), Path(name))
    return next((path.as_posix() for path in folders if (ROOT / path).is_dir()), None)
