"""Write files atomically, and hash them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envkeep.errors import ToolError

LEAST_NEXT = 999.5  # what three digits round to a thousand


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_of(path: Path) -> str:
    """Return the text of a file, or an empty one if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: at every moment it has its old content or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder, those behind links left out."""
    return sum(each.st_size for each in _files_of(folder))


def own_size_of(folder: Path) -> int:
    """Return the bytes that deleting a folder frees: other folders share some files."""
    return sum(each.st_size for each in _files_of(folder) if each.st_nlink == 1)


def _files_of(folder: Path) -> Iterator[os.stat_result]:
    for top, _, names in os.walk(folder):
        for name in names:
            found = os.lstat(os.path.join(top, name))  # noqa: PTH118 - there are 25,000 of them
            if stat.S_ISREG(found.st_mode):
                yield found


def in_words(size: float) -> str:
    """Format a number of bytes for people: 1.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < LEAST_NEXT:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a file lock meanwhile; yield False at once if another command holds it.

    Raises:
        OSError: The file cannot be opened for writing.
        ToolError: The file's file system knows no locks.
    """
    from filelock import FileLock, Timeout  # most commands lock nothing

    lock = FileLock(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without locks a file that is there stands for one
            lock.acquire(blocking=False)
    except Timeout:
        yield False
        return
    except OSError as error:
        if error.errno != errno.ENOLCK:
            raise
        raise ToolError(
            f"{path} cannot be locked ({error.strerror}): put the project on a file system with "
            "locks, or have this one mounted with them."
        ) from error
    try:
        yield True
    finally:
        lock.release()
