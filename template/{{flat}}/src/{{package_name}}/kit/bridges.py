# Owned by the template: every update rewrites this file. Your own code: beside this folder.
"""Keep a project's own module where a folder of the same name came beside it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def prefer_own(name: str) -> None:
    """Let a file beside a package stand for it, as a folder `model/` would hide `model.py`.

    The file gets the names that it lacks from the package, as other modules may import them.

    Args:
        name: Name of the package, after its own imports.
    """
    package = sys.modules[name]
    path = Path(f"{package.__path__[0]}.py")
    if not path.is_file():
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    own = sys.modules[name] = importlib.util.module_from_spec(spec)
    own.__path__ = package.__path__  # where `python -m` finds the package's __main__
    spec.loader.exec_module(own)
    for key, value in vars(package).items():
        if not key.startswith("__"):
            vars(own).setdefault(key, value)


def run_own(name: str) -> None:
    """Run the file beside a package as `python -m` did before the folder came.

    Args:
        name: Name of the package.

    Raises:
        SystemExit: There is no such file.
    """
    path = Path(f"{sys.modules[name].__path__[0]}.py")
    if not path.is_file():
        package = name.partition(".")[0]
        raise SystemExit(f"{name} has nothing to run: `python -m {package}` lists the commands.")
    main = sys.modules["__main__"]
    main.__file__, main.__package__, main.__spec__ = str(path), name.rpartition(".")[0], None
    exec(compile(path.read_bytes(), path, "exec", dont_inherit=True), vars(main))
