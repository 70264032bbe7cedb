# Owned by the template: every update rewrites this file. Facts of your own fit into `origin`.
"""Folders of exported models: `metadata.json` with the hashes that prove the rest unchanged.

Python alone is enough for it, as some runtimes need nothing else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import ArtefactError, ExportError, ProjectError
from .files import read_json, sha256_of, write_json

METADATA_FILE = "metadata.json"
MODELS = Path("models")
_RUNS = "experiments/*/run.json"


def newest_model() -> Path:
    """Return the folder in `models/` that was exported last.

    Raises:
        ArtefactError: There is none.
    """
    found = MODELS.glob(f"*/{METADATA_FILE}")
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path), default=None)
    if newest is None:
        raise ArtefactError(f"{MODELS} has no exported model: export one, or name its folder.")
    return newest.parent


def note_on_age(model: Path, origin: Mapping[str, Any]) -> str:
    """Return a sentence if a run finished after the one that a model was exported from, or ''.

    Runs are looked up only where they are recorded; their ids sort by the time of their start.
    """
    newest = max(filter(_has_finished, Path().glob(_RUNS)), default=None)
    exported = origin.get("run_id")
    if newest is None or exported is None or newest.parent.name <= exported:
        return ""
    return (
        f"{model} was exported from run {exported}, and run {newest.parent.name} finished since: "
        "the `export` command exports that one."
    )


def _has_finished(run: Path) -> bool:
    try:
        return bool(read_json(run)["status"] == "finished")
    except (ProjectError, KeyError, TypeError):  # the `runs` command tells of damaged ones
        return False


def write_description(folder: Path, values: Mapping[str, Any]) -> None:
    """Write `metadata.json` with the hashes of all other files that are in the folder now."""
    others = sorted(path for path in folder.iterdir() if path.name != METADATA_FILE)
    hashes = {path.name: sha256_of(path) for path in others}
    write_json(folder / METADATA_FILE, {**values, "files": hashes})


def read_description(folder: Path) -> dict[str, Any]:
    """Read `metadata.json` and check every file against its hash.

    Raises:
        ArtefactError: The folder or a file is missing, or a file is not the one that was exported.
    """
    path = folder / METADATA_FILE
    if not path.is_file():
        raise ArtefactError(f"{folder} is not an exported model: it has no {METADATA_FILE}.")
    try:
        values: dict[str, Any] = read_json(path)
        _check_names(values["model_file"], values["files"])
    except ProjectError as error:
        raise ArtefactError(str(error)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise no_description(path, error) from error
    for name, expected in values["files"].items():
        _check_file(folder / name, expected)
    return values


def no_description(path: Path, error: Exception) -> ArtefactError:
    """Return the error for a `metadata.json` that does not hold what it should."""
    return ArtefactError(f"{path} is not a model description ({error}).")


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a new sibling folder that takes the place of `path` on success.

    Raises:
        ExportError: What is there is no exported model.
    """
    if path.exists() and not (path / METADATA_FILE).is_file():
        raise ExportError(f"{path} exists and is not an exported model: choose another --output.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    previous = path.with_name(f".{path.name}.{os.getpid()}.old")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if path.exists():
            path.replace(previous)
        temporary.replace(path)
    finally:
        if previous.exists() and not path.exists():
            previous.replace(path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)


def _check_names(model_file: str, files: Mapping[str, str]) -> None:
    for name in files:
        if Path(name).name != name:
            raise ValueError(f"{name!r} is not a plain file name")
    if model_file not in files:
        raise ValueError(f"no hash for {model_file!r}")


def _check_file(path: Path, expected: str) -> None:
    if not path.is_file():
        raise ArtefactError(f"{path} is missing: export or copy the model again.")
    if sha256_of(path) != expected:
        raise ArtefactError(f"{path} is not the file that was exported: export or copy it again.")
