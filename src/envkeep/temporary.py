"""Temporary folders; the next command removes those of a killed one.

Each has a record under ``.cache/at-work`` that its command keeps locked as long as it lives.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from envkeep.errors import ToolError
from envkeep.paths import AT_WORK

PREFIX = "project-tools-"


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a new folder where this machine keeps temporary files; it is removed afterwards."""
    import tempfile  # most commands need none

    with (
        _record(os.urandom(8).hex()) as record,
        # On Windows git's objects may not be deleted.
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
    ):
        if record:
            with suppress(OSError):  # on a full disk
                record.write(name)
                record.flush()
        yield Path(name)


@contextmanager
def claimed(environment: Path) -> Iterator[None]:
    """Reserve the right to make an environment meanwhile.

    Raises:
        ToolError: Another command is making that environment.
    """
    with _record(environment.name):
        yield


def is_claimed(environment: Path) -> bool:
    """Tell whether a command that makes an environment is at work."""
    record = AT_WORK / environment.name
    return record.exists() and record not in _abandoned()


def left() -> list[Path]:
    """Return the folders of commands that were killed."""
    return [path for path in map(_named_in, _abandoned()) if path]


def remove_left() -> list[Path]:
    """Remove the folders of commands that were killed, and return them."""
    gone = []
    for record in list(_abandoned()):
        path = _named_in(record)
        if path:
            shutil.rmtree(path, ignore_errors=True)
            if path.exists():
                continue
            gone.append(path)
        record.unlink(missing_ok=True)
    return gone


@contextmanager
def _record(name: str) -> Iterator[TextIO | None]:
    """Yield a file that is locked meanwhile and removed afterwards, None if none can be written."""
    path = AT_WORK / name
    try:
        AT_WORK.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8", errors="surrogateescape")
    except OSError:
        yield None
        return
    with file:
        if _is_at_work(file, without_locks=False):
            raise ToolError(f"another command makes {name}; wait until it has ended.")
        try:
            yield file
        finally:
            file.close()
            path.unlink(missing_ok=True)


def _is_at_work(record: TextIO, *, without_locks: bool) -> bool:
    """Tell whether another command holds a record; if not, hold it until the file is closed.

    Args:
        record: The open file. It holds a name, which a ``FileLock`` of its path would hide.
        without_locks: What to answer where the file system knows no locks.
    """
    from filelock import lock_descriptor  # most commands lock nothing

    try:
        return not lock_descriptor(record.fileno(), blocking=False)
    except OSError:
        return without_locks


def _abandoned() -> Iterator[Path]:
    """Yield the records whose commands are dead."""
    for record in sorted(AT_WORK.glob("*")):
        try:
            with record.open("r+") as file:
                is_at_work = _is_at_work(file, without_locks=True)
        except OSError:  # another user's, or gone by now
            continue
        if not is_at_work:
            yield record


def _named_in(record: Path) -> Path | None:
    """Return the folder that a record names, if it is there and was made here."""
    path = Path(record.read_text(encoding="utf-8", errors="surrogateescape"))
    is_own = path.name.startswith(PREFIX) and path.is_dir() and not path.is_symlink()
    return path if is_own else None
