"""A saved environment: one folder with everything that it takes to make it again, without network.

``manifest.json`` names every file with its hash; it is written last, so a folder without it is not
whole yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envkeep.archive.system import System
from envkeep.errors import ToolError
from envkeep.files import sha256_of, write_whole
from envkeep.paths import REQUIREMENTS

MANIFEST = "manifest.json"
FILES = "files"
BUILT = "built"
LOCKED = "locks"
TOOLS = "tools.txt"
PYTHON_ARCHIVE = "python.tar.gz"
FORMAT = 1


@dataclass(frozen=True)
class Saved:
    """What a manifest says.

    Attributes:
        folder: Where it lies.
        facts: Project, commit, locks, backend and Python, as text.
        system: The machine that it was saved on.
        files: The SHA-256 of every file, by path.
        layers: The layers in the order in which they are installed.
    """

    folder: Path
    facts: Mapping[str, Any]
    system: System
    files: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()

    @property
    def requirements(self) -> Path:
        """The project's requirements, with the locks as they were."""
        return self.folder / REQUIREMENTS.name

    @property
    def sources(self) -> tuple[Path, Path]:
        """The folders of what was downloaded, and of what was built from source."""
        return self.folder / FILES, self.folder / BUILT

    def lock(self, layer: str) -> Path:
        """Return a lock with the hashes of the files that were saved."""
        return self.folder / LOCKED / f"{layer}.txt"

    @property
    def tools(self) -> Path:
        """The lock of the tools that install."""
        return self.folder / TOOLS

    def write(self) -> None:
        """Write the manifest: from now on it is whole."""
        content = {
            "format": FORMAT,
            **self.facts,
            "system": self.system.as_row(),
            "layers": list(self.layers),
            "files": dict(sorted(self.files.items())),
        }
        write_whole(self.folder / MANIFEST, f"{json.dumps(content, indent=2)}\n".encode())

    def verify(self) -> None:
        """Compare every file with its hash.

        Raises:
            ToolError: One is missing or has another content.
        """
        for path, sha256 in self.files.items():
            place = self.folder / path
            if not place.is_file():
                raise ToolError(f"{path} is missing in {self.folder}; copy the saved folder again.")
            if sha256_of(place) != sha256:
                raise ToolError(
                    f"{path} in {self.folder} is damaged or was changed; copy the saved folder "
                    "again."
                )


def load(folder: Path) -> Saved:
    """Read a saved environment.

    Raises:
        ToolError: There is none, it is not whole, or it was written by newer tools.
    """
    if not folder.is_dir():
        raise ToolError(f"{folder} is not a folder; name one that `make save` wrote.")
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ToolError(
            f"{folder} has no {MANIFEST}, so it was not saved to the end; run `make save` again."
        ) from None
    except ValueError as error:
        raise ToolError(f"{folder / MANIFEST} is damaged ({error}); copy it again.") from error
    try:
        if content.pop("format") != FORMAT:
            raise ToolError(f"{folder} was saved by other tools; restore it by those.")
        system = System.from_row(content.pop("system"))
        files, layers = dict(content.pop("files")), tuple(content.pop("layers"))
    except (LookupError, TypeError, ValueError) as error:
        raise ToolError(f"{folder / MANIFEST} is damaged ({error}); copy it again.") from error
    return Saved(folder, content, system, files, layers)


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder but the manifest, by path."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(paths)}
