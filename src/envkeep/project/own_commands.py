"""The commands of the project's own package: one per module of its ``commands`` folder."""

from __future__ import annotations

import ast
from pathlib import Path

from envkeep.paths import SOURCE
from envkeep.project.metadata import is_adopted, project_metadata


def names() -> list[str]:
    """Return the names of the commands, in alphabetical order.

    A package that was there before the template has none that follow its ways.
    """
    if is_adopted():
        return []
    return sorted(path.stem.replace("_", "-") for path in _folder().glob("[!_]*.py"))


def help_of(name: str) -> str:
    """Return what a command does, in a line, without importing anything of the project.

    That is its ``HELP``, else the first line of its docstring; an empty text if it has neither.
    """
    path = _folder() / f"{name.replace('-', '_')}.py"
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    for each in module.body:
        match each:
            case ast.Assign(targets=[ast.Name("HELP")], value=ast.Constant(str(text))):
                return text
    return (ast.get_docstring(module) or "").partition("\n")[0]


def _folder() -> Path:
    return SOURCE / str(project_metadata()["package_name"]) / "commands"
