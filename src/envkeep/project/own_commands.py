"""The commands of the project's own package: one per module of its ``commands`` folders.

Those of the template are in ``kit/commands``, those of the project in ``commands``; projects from
before have all of them there.
"""

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
    paths = [path for folder in _folders() for path in folder.glob("[!_]*.py")]
    return sorted({path.stem.replace("_", "-") for path in paths})


def help_of(name: str) -> str:
    """Return what a command does, in a line, without importing anything of the project.

    That is its ``HELP``, else the first line of its docstring; an empty text if it has neither. A
    module of the project's own comes first, unless it only stands for the template's.
    """
    docstrings = []
    for folder in _folders():
        path = folder / f"{name.replace('-', '_')}.py"
        try:
            module = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            continue
        for each in module.body:
            match each:
                case ast.Assign(targets=[ast.Name("HELP")], value=ast.Constant(str(text))):
                    return text
        docstrings.append((ast.get_docstring(module) or "").partition("\n")[0])
    return next(iter(docstrings), "")


def has(name: str, project: Path) -> bool:
    """Tell whether the package in a copy of the project has a command."""
    folders = _folders(project / SOURCE.name)
    return any((folder / f"{name}.py").exists() for folder in folders)


def _folders(source: Path | None = None) -> list[Path]:
    package = (source or SOURCE) / str(project_metadata()["package_name"])
    return [package / "commands", package / "kit" / "commands"]
