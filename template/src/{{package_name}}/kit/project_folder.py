# Owned by the template: every update rewrites this file. Paths of your own go into config.py.
"""Where relative paths of settings start: at the project's folder, wherever one is.

An image has no project around its code: there it is the current folder. So it is under pytest,
where each test works in a folder of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any


def project_folder() -> Path:
    """Return the folder of the project that this code or its environment lies in, or this one."""
    code, environment = Path(__file__).resolve(), Path(sys.prefix).resolve()
    fitting = (*code.parents[2:4], environment.parents[1])  # of src/PACKAGE/kit/, of .venvs/NAME
    found = (each for each in fitting if (each / "pyproject.toml").is_file())
    return Path.cwd() if "PYTEST_VERSION" in os.environ else next(found, Path.cwd())


def in_project(path: str | Path) -> Path:
    """Return a path of the settings as it is from here."""
    folder = project_folder()
    return Path(path) if folder == Path.cwd() else folder / path


def enter_project(args: argparse.Namespace) -> None:
    """Go to the project's folder, with the paths that were typed as they were from here.

    Args:
        args: What `commands.parse` returned; its paths that are no defaults are changed.
    """
    folder = project_folder()
    if folder == Path.cwd():
        return
    for name, value in vars(args).items():
        if value is not args.parser.get_default(name):
            setattr(args, name, _from_here(value))
    os.chdir(folder)


def _from_here(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_here(each) for each in value]
    return value.absolute() if isinstance(value, Path) else value
