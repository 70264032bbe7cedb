"""Read the distributions of an environment from their files, without importing anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from email.message import Message

DIST_INFO = ".dist-info"
METADATA = "METADATA"
RECORD = "RECORD"
INSTALLER = "INSTALLER"
BY_CONDA = "conda"


@dataclass(frozen=True)
class Distribution:
    """An installed distribution.

    Attributes:
        name: Its normalized name.
        version: Its version.
        folder: The folder of its metadata.
        installer: What installed it, such as ``uv``, or an empty text.
        origin: The address that it was installed from if that is no index, or an empty text.
    """

    name: str
    version: str
    folder: Path
    installer: str = ""
    origin: str = ""


def packages_folder(environment: Path) -> Path | None:
    """Return the folder of an environment's packages, or None if it has none."""
    own = [*environment.glob("lib/python3*/site-packages"), environment / "Lib" / "site-packages"]
    return next((folder for folder in own if folder.is_dir()), None)


def metadata_folders(environment: Path) -> list[Path]:
    """Return the folders of metadata in an environment, in the order of their names."""
    packages = packages_folder(environment)
    return sorted(packages.glob(f"*{DIST_INFO}")) if packages else []


def installed(environment: Path) -> Iterator[Distribution]:
    """Yield what can be read of the distributions in an environment."""
    for folder in metadata_folders(environment):
        found = read(folder)
        if found:
            yield found


def read(folder: Path) -> Distribution | None:
    """Return the distribution of a folder of metadata, or None if it cannot be told."""
    try:
        headers = metadata(folder)
        name, version = headers.get("Name"), headers.get("Version")
    except (OSError, ValueError):
        return None
    if not name or not version:
        return None
    installer = installer_of(folder)
    origin = _origin(_text(folder / "direct_url.json"))
    return Distribution(canonicalize_name(str(name)), str(version), folder, installer, origin)


def installer_of(folder: Path) -> str:
    """Return what installed the distribution of a folder of metadata, or an empty text.

    Not every package of conda says so of itself; its client keeps a file for each.
    """
    stated = _text(folder / INSTALLER).strip()
    if stated == "uv":
        return stated
    name = canonicalize_name(folder.name.removesuffix(DIST_INFO).rpartition("-")[0])
    noted = (top / "conda-meta" for top in list(folder.parents)[1:4])
    return BY_CONDA if any(any(each.glob(f"{name}-*-*.json")) for each in noted) else stated


def metadata(folder: Path) -> Message:
    """Return the headers of a distribution's metadata.

    Raises:
        OSError: The headers cannot be read.
        ValueError: The headers are not text.
    """
    from email.parser import HeaderParser  # most commands read none

    text = (folder / METADATA).read_text(encoding="utf-8")
    return HeaderParser().parsestr(text.partition("\n\n")[0])


def _origin(text: str) -> str:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return ""
    return str(found.get("url", "")) if isinstance(found, dict) else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
