"""Unpack the interpreter of an archive if the project's Python is missing."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

from envkeep.archive.layout import PYTHON
from envkeep.archive.manifest import Manifest
from envkeep.errors import ToolError
from envkeep.paths import shown
from envkeep.process import say
from envkeep.project.metadata import python_version
from envkeep.toolchain import interpreters
from envkeep.toolchain.interpreters import COMPLETE


def ensure(archive: Manifest) -> None:
    """Unpack the interpreter of an archive if none of its version is here; all commands find it.

    Args:
        archive: What the archive says, its files already compared with their hashes.

    Raises:
        ToolError: The archive has no interpreter, or its interpreter does not run here; nothing is
            left behind.
    """
    version = python_version()
    try:
        interpreters.find_interpreter(version)
        return
    except ToolError as error:
        if PYTHON not in archive.files:
            raise ToolError(
                f"{error.args[0].rstrip('.')}; {archive.layout.folder} holds none, as `make save` "
                "packs it only with ARGS=--python."
            ) from error
    place = interpreters.unpacked(version)
    say(f"Python {version} is not on this machine: unpacking the saved one to {shown(place)}.")
    try:
        _unpack(archive.layout.python, place)
        _require_start(archive, place, version)
        (place / COMPLETE).touch()
    except BaseException as error:
        shutil.rmtree(place, ignore_errors=True)
        if isinstance(error, (OSError, ValueError, tarfile.TarError)):
            raise ToolError(
                f"{PYTHON} in {archive.layout.folder} cannot be unpacked to {shown(place)}: "
                f"{error}."
            ) from error
        raise


def movable(program: Path) -> bytes | None:
    """Return a program of Python that finds its library wherever it lies, None if it does anyway.

    CPython finds its modules from where it lies. But what was built with a shared library, as pyenv
    does it for many, has the folder of that library written into it.
    """
    home = _home_of(program)
    if home is None or not program.is_file():
        return None
    content = program.read_bytes()
    fixed, free = (f"\0{folder}\0".encode() for folder in (home / "lib", "$ORIGIN/../lib"))
    if fixed not in content or len(free) > len(fixed):
        return None
    return content.replace(fixed, free.ljust(len(fixed), b"\0"))


def _home_of(program: Path) -> Path | None:
    """Return the install prefix that an interpreter was built for."""
    for path in program.parent.parent.glob("lib/python*/_sysconfigdata_*.py"):
        found = re.search(r"'prefix': '([^']+)'", path.read_text(encoding="utf-8"))
        if found:
            return Path(found[1])
    return None


def _unpack(packed_file: Path, place: Path) -> None:
    """Unpack a file that holds one folder."""
    fresh = place.with_name(f"{place.name}.new")
    for path in (fresh, place):
        shutil.rmtree(path, ignore_errors=True)
    try:
        with tarfile.open(packed_file) as packed:
            packed.extractall(fresh, filter="tar")
        (folder,) = fresh.iterdir()
        folder.replace(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _require_start(archive: Manifest, place: Path, version: str) -> None:
    """Start an interpreter that was unpacked.

    Raises:
        ToolError: The interpreter does not run there.
    """
    program = interpreters.inside(place, version)
    freed = movable(program)
    if freed:
        program.write_bytes(freed)
    if not interpreters.starts(program, wanted=version):
        home = _home_of(program)
        there = (
            f"unpack it where it was (`tar -C {home.parent} -xzf {archive.layout.python}`), or "
            if home
            else ""
        )
        raise ToolError(
            f"the saved Python does not run in {shown(place)}; {there}install Python {version} "
            f"(`pyenv install {version}`, `uv python install {version}` or your system's package)."
        )
