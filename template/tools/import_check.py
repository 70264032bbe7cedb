# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Import the packages named on the command line; run by the interpreter of a new environment.

Prints one line per package that cannot be imported and exits with 1 if there is one; else the
processor time that all of it took, in seconds. Unlike the time on a clock that does not depend on
what was read from the disk before. Compiling, which only the first import of a module does, is
left out.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Adds up the processor time of some calls, those inside each other once."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.seconds = 0.0
        self._is_running = False

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same and is timed."""

        def wrapper(*arguments: Any, **options: Any) -> Any:
            if self._is_running:
                return function(*arguments, **options)
            self._is_running, start = True, time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self._is_running = False
                self.seconds += time.process_time() - start

        return wrapper


def time_compiling() -> Stopwatch:
    """Return a stopwatch of what Python does with a module that is not compiled yet."""
    stopwatch, loader = Stopwatch(), importlib.machinery.SourceFileLoader
    for name in ("source_to_code", "set_data"):
        setattr(loader, name, stopwatch.timed(getattr(loader, name)))
    return stopwatch


def modules_of(package: str) -> list[str]:
    """Return what to import for a package: the module named like it, or else all it brings.

    Stub packages and packages of programs only have nothing to import.
    """
    files = importlib.metadata.files(package) or []
    first_parts = {file.parts[0] for file in files if file.suffix in {".py", ".so", ".pyd"}}
    names = {part.split(".")[0] for part in first_parts}
    public = {name for name in names if name.isidentifier() and not name.startswith("_")}
    same = re.sub(r"[-_.]+", "_", package).lower()
    return [same] if same in public else sorted(public)


def prepare() -> None:
    """Set the variables that packages read when they are imported."""
    os.environ["CI"] = "true"  # by which packages that report their use know not to
    os.environ["KERAS_BACKEND"] = "torch" if importlib.util.find_spec("torch") else "jax"
    os.environ.setdefault("KERAS_HOME", ".cache/keras")  # it would write to the home folder


def problem_with(package: str) -> str | None:
    """Return why a package cannot be imported, or None."""
    try:
        for module in modules_of(package):
            importlib.import_module(module)
    except importlib.metadata.PackageNotFoundError:
        return None  # its marker leaves it out here; what the locks name was installed
    except (Exception, SystemExit) as error:  # a broken binary can raise anything
        return f"{package}: {type(error).__name__}: {error}"
    return None


def main(packages: list[str]) -> int:
    """Import the packages and report."""
    prepare()
    compiling = time_compiling()
    problems = [problem for problem in map(problem_with, packages) if problem]
    seconds = time.process_time() - compiling.seconds
    print("\n".join(problems) if problems else f"{seconds:.3f}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
