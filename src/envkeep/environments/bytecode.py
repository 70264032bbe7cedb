"""Share compiled modules between environments that hold the same module.

Compiling takes most of the time of a first import. uv links the files of a package from its cache,
so a module that two environments have is the same file, with the same time in the header of its
compiled form (PEP 552 tells how Python checks that).
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from importlib.util import source_from_cache
from pathlib import Path


def share(present: Path, new: Path) -> None:
    """Copy the compiled form of every shared module into a new environment.

    Python replaces these files as a whole, so a link changes nothing in the other one.

    Args:
        present: The environment whose modules are compiled.
        new: The one that has none yet.
    """
    for compiled in _compiled(present):
        source = _source_of(compiled)
        place = new / compiled.relative_to(present)
        if source and not place.exists() and _same(source, new / source.relative_to(present)):
            place.parent.mkdir(exist_ok=True)
            _link(compiled, place)


def _compiled(environment: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(environment):
        if folder.endswith("__pycache__"):
            yield from (Path(folder, name) for name in names if name.endswith(".pyc"))


def _source_of(compiled: Path) -> Path | None:
    try:
        return Path(source_from_cache(str(compiled)))
    except ValueError:  # pytest's own form of a module
        return None


def _same(one: Path, other: Path) -> bool:
    try:
        facts = one.stat(), other.stat()
    except OSError:
        return False
    if os.path.samestat(*facts):
        return True
    times = {int(each.st_mtime) for each in facts}
    return len(times) == 1 and filecmp.cmp(one, other, shallow=False)


def _link(compiled: Path, place: Path) -> None:
    try:
        os.link(compiled, place)
    except OSError:  # not every file system has links
        shutil.copy2(compiled, place)
