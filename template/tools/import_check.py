# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Import the packages named on the command line; run by the interpreter of a new environment.

Prints one line per package that cannot be imported and exits with 1 if there is one. With
``--seconds`` before the names it prints the processor time that all of it took, in seconds: unlike
the time on a clock it does not depend on what was read from the disk before.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import time


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
    except Exception as error:  # a broken binary can raise anything
        return f"{package}: {type(error).__name__}: {error}"
    return None


def main(packages: list[str]) -> int:
    """Import the packages and report."""
    timed = packages[:1] == ["--seconds"]
    prepare()
    problems = [problem for problem in map(problem_with, packages[timed:]) if problem]
    lines = [*problems, *([f"{time.process_time():.3f}"] if timed else [])]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
