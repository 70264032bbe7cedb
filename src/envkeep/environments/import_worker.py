"""Import the packages named on the command line; run by the interpreter of a new environment.

``NAME`` imports the module that a package is mainly there for, ``NAME=MODULE`` that module. Prints
each package before it is imported, and at the end why some cannot be, and the processor time that
all of it took, in seconds. Unlike the time on a clock that does not depend on what was read from
the disk before. Compiling, which only the first import of a module does, is left out.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MARK = "import-check: "
"""What the lines of this program start with; packages print too."""
CODE = (".py", ".pyd", ".so")
JUNK = {
    *("bench", "benchmarks", "build", "ci", "conftest", "dist", "doc", "docs", "example"),
    *("examples", "notebooks", "samples", "scripts", "setup", "src", "test", "tests", "tools"),
}
"""Folders beside a package that its maker put into the wheel by mistake."""
OF_A_DRIVER = re.compile(r"lib(cuda|nvidia-ml)\.so\.1|nv(cuda|ml)\.dll")
"""Libraries that come with a GPU's driver, never with a package."""


class Stopwatch:
    """The total CPU time of some calls; nested calls count once."""

    def __init__(self) -> None:
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


def candidates(package: str, declared: Iterable[str], files: Sequence[str]) -> list[str]:
    """Return the public modules that prove a package when they import, the likeliest first.

    The one of the package's own name is enough. Else it is the one with the most files among those
    that the package declares, or brings if it declares none; what is beside it may be for
    another system, for tests, or there by mistake. Stubs and programs have none.

    Args:
        package: Its name.
        declared: What its ``top_level.txt`` says.
        files: What its ``RECORD`` lists.
    """
    paths = [module for module in map(_module, files) if module]
    dotted = [".".join(path) for path in paths]
    own = [each for each in dotted if _normalized(each) == _normalized(package)]
    if own:
        return [min(own, key=lambda each: each.count("."))]
    packages = {_module(file) for file in files if _is_init(file)}
    sizes = Counter(".".join(_topmost(path, packages)) for path in paths)
    names = set(declared)
    stated = [each for each in sizes if each.partition(".")[0] in names] or list(sizes)
    meant = [each for each in stated if each.partition(".")[0].lower() not in JUNK]
    return sorted(meant, key=lambda each: (-sizes[each], each))


def _module(file: str) -> tuple[str, ...]:
    """Return the dotted parts of the public module that a file is, or nothing."""
    *folders, name = file.split("/")
    stem = name.partition(".")[0]
    is_library = stem.startswith("lib") and not name.endswith(".py")
    if not name.endswith(CODE) or is_library:
        return ()
    parts = (*folders, *([] if stem == "__init__" else [stem]))
    is_public = all(part.isidentifier() and not part.startswith("_") for part in parts)
    return parts if is_public else ()


def _is_init(file: str) -> bool:
    return file.rpartition("/")[2].partition(".")[0] == "__init__" and file.endswith(CODE)


def _topmost(module: tuple[str, ...], packages: set[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the outermost package around a module; folders without ``__init__`` are shared."""
    outer = (module[:length] for length in range(1, len(module)))
    return next((each for each in outer if each in packages), module)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def prepare() -> None:
    """Set the variables that packages read when they are imported."""
    os.environ["CI"] = "true"  # by which packages that report their use know not to
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would ask the index for a newer release
    os.environ["KERAS_BACKEND"] = "torch" if importlib.util.find_spec("torch") else "jax"
    os.environ.setdefault("KERAS_HOME", ".cache/keras")  # it would write to the home folder


def problem_with(package: str, module: str = "") -> str | None:
    """Return why a package cannot be imported, or None.

    Args:
        package: Its name.
        module: What to import; by default the likeliest of its modules that there is.
    """
    try:
        found = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return None  # its marker leaves it out here; what the locks name was installed
    declared = (found.read_text("top_level.txt") or "").split()
    files = [file.as_posix() for file in found.files or []]
    problems = []
    for each in [module] if module else candidates(package, declared, files):
        try:
            importlib.import_module(each)
        except (Exception, SystemExit) as error:  # a broken binary can raise anything
            problems.append(f"{type(error).__name__}: {error}".strip())
            if module or not _is_absent(each, error):
                break
        else:
            return None
    real = [each for each in problems if not OF_A_DRIVER.search(each)]
    return real[0] if real else None


def _is_absent(module: str, error: BaseException) -> bool:
    """Tell whether an error says that the module does not exist, so the guess was wrong."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return bool(missing) and f"{module}.".startswith(f"{missing}.")


def report(**facts: object) -> None:
    """Print a line of the report, apart from what packages print."""
    print(f"\n{MARK}{json.dumps(facts)}", flush=True)


def main(packages: list[str]) -> int:
    """Import the packages and report."""
    prepare()
    compiling = time_compiling()
    problems = {}
    for each in packages:
        package, _, module = each.partition("=")
        report(importing=package)
        problem = problem_with(package, module)
        if problem:
            problems[package] = problem
    report(problems=problems, seconds=time.process_time() - compiling.seconds)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
