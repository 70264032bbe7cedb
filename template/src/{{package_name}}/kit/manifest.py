# Owned by the template: every update rewrites this file. How your own data is read: data.py.
"""The committed list of data files: which bytes an experiment was made with.

Content hashes, not dates: a file that changed is noticed before anything is trained on it. A file
that people put there is listed as it is, and nothing here ever writes over it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import DataError
from .files import read_json, sha256_of, write_json

MANIFEST = Path("data/manifest.json")


def verify(path: Path) -> str:
    """Return the SHA-256 of a data file that is the one in the manifest.

    Raises:
        DataError: The file is missing, not listed, or not the listed one.
    """
    if not path.is_file():
        raise DataError(
            f"{path} does not exist: run the `data` command for the example's data, or put a file "
            "of your own there."
        )
    listed = _read().get(_key(path))
    if listed is None:
        raise DataError(
            f"{path} is not in {MANIFEST}: run the `data` command, which lists a file of your own "
            "as it is."
        )
    actual = sha256_of(path)
    if actual != listed["sha256"]:
        raise DataError(
            f"{path} has SHA-256 {actual[:8]}, but {MANIFEST} lists {listed['sha256'][:8]}: "
            "restore the file, or run `data --accept` if the change is wanted."
        )
    return actual


def list_own(path: Path, *, accept: bool = False) -> str:
    """List a file that is there, as it is; return its SHA-256.

    Args:
        path: The data file, inside the folder of the manifest.
        accept: Whether it may be another one than the manifest lists.

    Raises:
        DataError: There is no such file, or it is not the listed one and `accept` is false.
    """
    key, listed = _key(path), _read().get(_key(path))
    if not path.is_file():
        raise DataError(
            f"{path} does not exist: put a file of your own there, or set data.path to the "
            "example's."
        )
    entry = _entry(path)
    if listed is not None and listed["sha256"] != entry["sha256"] and not accept:
        raise DataError(
            f"{path} is not the file that {MANIFEST} lists: restore it, or run `data --accept` to "
            "list it as it is."
        )
    _write(key, {**entry, "own": True})
    return str(entry["sha256"])


def write_listed(path: Path, write: Callable[[Path], None], *, accept: bool = False) -> str:
    """Write a data file and list it; return its SHA-256.

    What is there is replaced only if it is the file that the manifest lists and that was written
    here before. Anything else is somebody's own: it can be listed, and stays.

    Args:
        path: The data file, inside the folder of the manifest.
        write: Writes the content to the path that it is given.
        accept: Whether the content, or the file of one's own, may differ from what the manifest
            lists.

    Raises:
        DataError: The file that is there is another one, or the content is not the listed one, and
            `accept` is false; nothing is written.
    """
    key, listed = _key(path), _read().get(_key(path))
    if listed is not None and listed.get("own"):
        return list_own(path, accept=accept)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as folder:
        made = Path(folder) / path.name
        write(made)
        entry = _entry(made)
        if _is_somebodys(path, entry, listed):
            if accept:
                return list_own(path, accept=True)
            raise DataError(
                f"{path} holds other data than the `data` command writes, and it writes over "
                "nothing: move the file away, or run `data --accept` to list it as it is."
            )
        if listed is not None and listed != entry and not accept:
            raise DataError(
                f"{path} would differ from the file that {MANIFEST} lists: "
                "keep the listed one, or run `data --accept` to take the new one."
            )
        made.replace(path)
    _write(key, entry)
    return str(entry["sha256"])


def _is_somebodys(path: Path, *known: Mapping[str, Any] | None) -> bool:
    """Tell whether a file is there that is none of the known ones."""
    hashes = [entry["sha256"] for entry in known if entry is not None]
    return path.exists() and sha256_of(path) not in hashes


def _entry(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(path), "bytes": path.stat().st_size}


def _key(path: Path) -> str:
    folder = MANIFEST.parent
    places = (  # a link into the folder counts, and so does one from it to a larger disk
        (Path(os.path.normpath(path.absolute())), folder.absolute()),
        (path.resolve(), folder.resolve()),
    )
    for place, top in places:
        if place.is_relative_to(top):
            return place.relative_to(top).as_posix()
    raise DataError(f"{path} must lie in {folder}, beside its manifest.")


def _read() -> dict[str, Any]:
    if not MANIFEST.exists():
        return {}
    content = read_json(MANIFEST)
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not all(_is_entry(entry) for entry in files.values()):
        raise DataError(f"{MANIFEST} is damaged: restore it from git.")
    return files


def _write(key: str, entry: dict[str, Any]) -> None:
    files = _read()
    if files.get(key) != entry:
        write_json(MANIFEST, {"files": dict(sorted({**files, key: entry}.items()))})


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("sha256"), str)
