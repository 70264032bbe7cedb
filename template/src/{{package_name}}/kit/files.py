# Owned by the template: every update rewrites this file. Your own helpers go into your own modules.
"""Reading and writing files: whole or not at all, and with the same bytes for the same content."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ProjectError

if TYPE_CHECKING:  # NumPy is not there in every production environment
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

# The earliest time a zip entry can carry; a fixed one keeps the bytes equal from run to run.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_ZIP_MADE_ON_UNIX = 3


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling that replaces `path` on success and vanishes on failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with no content
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with LF line ends on every system."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with one final newline."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ProjectError: The file cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ProjectError(f"{path} is not valid JSON ({error}).") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write an uncompressed `.npz` whose bytes depend on nothing but the arrays.

    `numpy.savez` notes the operating system in the archive, so one content would have two hashes.
    """
    import numpy as np

    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH)
            entry.create_system = _ZIP_MADE_ON_UNIX
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(entry, buffer.getvalue())


def read_arrays(path: Path, *names: str) -> tuple[NDArray[Any], ...]:
    """Read the named arrays of an `.npz` file, in the order asked for.

    Raises:
        ProjectError: The file is missing or damaged, or lacks one of the arrays.
    """
    try:
        with _archive(path) as arrays:
            return tuple(arrays[name] for name in names)
    except KeyError as error:
        wanted = " and ".join(repr(name) for name in names)
        raise ProjectError(f"{path} must hold arrays named {wanted}.") from error


def read_all_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of an `.npz` file, by name.

    Raises:
        ProjectError: The file is missing or damaged.
    """
    with _archive(path) as arrays:
        return dict(arrays)


@contextmanager
def _archive(path: Path) -> Iterator[Arrays]:
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            yield archive
    except FileNotFoundError as error:
        raise ProjectError(f"{path} does not exist.") from error
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ProjectError(f"{path} is not a readable .npz file of plain arrays.") from error
