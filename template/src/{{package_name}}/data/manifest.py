# Owned by the template: every update rewrites this file. Your own data sets get modules beside it.
"""The committed list of data files: which bytes an experiment was made with.

Content hashes, not dates: a file that changed is noticed before anything is trained on it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files import read_json, replacing, sha256_of, write_json

MANIFEST = Path("data/manifest.json")


def verify(path: Path) -> str:
    """Returns the SHA-256 of a data file that is the one in the manifest.

    Raises:
        DataError: The file is missing, not listed, or not the listed one.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist: run the `data` command.")
    listed = _read().get(_key(path))
    if listed is None:
        raise DataError(f"{path} is not in {MANIFEST}: run the `data` command.")
    actual = sha256_of(path)
    if actual != listed["sha256"]:
        raise DataError(
            f"{path} has SHA-256 {actual[:8]}, but {MANIFEST} lists {listed['sha256'][:8]}: "
            "restore the file, or run `data --accept` if the change is wanted."
        )
    return actual


def write_listed(path: Path, write: Callable[[Path], None], *, accept: bool = False) -> str:
    """Writes a data file and lists it; returns its SHA-256.

    Args:
        path: The data file, inside the folder of the manifest.
        write: Writes the content to the path that it is given.
        accept: Whether the content may differ from what the manifest lists.

    Raises:
        DataError: The content is not the listed one and `accept` is false; nothing is written.
    """
    key, files = _key(path), _read()
    with replacing(path) as temporary:
        write(temporary)
        entry = {"sha256": sha256_of(temporary), "bytes": temporary.stat().st_size}
        if not accept and files.get(key, entry) != entry:
            raise DataError(
                f"{path} would differ from the file that {MANIFEST} lists: "
                "keep the listed one, or run `data --accept` to take the new one."
            )
    if files.get(key) != entry:
        write_json(MANIFEST, {"files": dict(sorted({**files, key: entry}.items()))})
    return str(entry["sha256"])


def _key(path: Path) -> str:
    folder = MANIFEST.parent.resolve()
    try:
        return path.resolve().relative_to(folder).as_posix()
    except ValueError as error:
        raise DataError(f"{path} must lie in {MANIFEST.parent}, beside its manifest.") from error


def _read() -> dict[str, Any]:
    if not MANIFEST.exists():
        return {}
    content = read_json(MANIFEST)
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not all(_is_entry(entry) for entry in files.values()):
        raise DataError(f"{MANIFEST} is damaged: restore it from git.")
    return files


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("sha256"), str)
