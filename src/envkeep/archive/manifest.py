"""What an archive says about itself: its project, its machine, and the hash of every file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envkeep.archive.layout import Layout
from envkeep.archive.system import System
from envkeep.errors import ToolError
from envkeep.files import sha256_of, write_whole
from envkeep.project.named_environments import is_named

FORMAT = 1
OF_A_NAME = 2
"""The format of an archive of an environment by name, which older envkeeps must not take."""


@dataclass(frozen=True)
class Manifest:
    """What an archive says about itself.

    Attributes:
        layout: Where its parts lie.
        facts: Project, commit, locks, backend and Python, as text.
        system: The machine that it was made on.
        files: The SHA-256 of every file, by path.
        layers: The layers in the order in which they are installed, or an environment by name.
    """

    layout: Layout
    facts: Mapping[str, Any]
    system: System
    files: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """The lock of the environment by name that it holds, or nothing for the project's own."""
        return next(filter(is_named, self.layers), "")

    def write(self) -> None:
        """Write the manifest, which completes the archive."""
        content = {
            "format": OF_A_NAME if self.named else FORMAT,
            **self.facts,
            "system": self.system.as_row(),
            "layers": list(self.layers),
            "files": dict(sorted(self.files.items())),
        }
        write_whole(self.layout.manifest, f"{json.dumps(content, indent=2)}\n".encode())

    def verify(self) -> None:
        """Compare every file with its hash.

        Raises:
            ToolError: A file is missing or has another content.
        """
        folder = self.layout.folder
        for path, sha256 in self.files.items():
            place = folder / path
            if not place.is_file():
                raise ToolError(f"{path} is missing in {folder}; copy the archive again.")
            if sha256_of(place) != sha256:
                raise ToolError(
                    f"{path} in {folder} is damaged or was changed; copy the archive again."
                )


def load(folder: Path) -> Manifest:
    """Read the manifest of an archive.

    Raises:
        ToolError: The folder is no archive, the archive is not whole, or a newer envkeep wrote it.
    """
    if not folder.is_dir():
        raise ToolError(f"{folder} is not a folder; name one that `make save` wrote.")
    path = Layout(folder).manifest
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ToolError(
            f"{folder} has no {path.name}, so it was not saved to the end; run `make save` again."
        ) from None
    except ValueError as error:
        raise ToolError(f"{path} is damaged ({error}); copy it again.") from error
    try:
        if content.pop("format") not in (FORMAT, OF_A_NAME):
            raise ToolError(f"{folder} was saved by a newer envkeep; restore it by that one.")
        system = System.from_row(content.pop("system"))
        files, layers = dict(content.pop("files")), tuple(content.pop("layers"))
    except (LookupError, TypeError, ValueError) as error:
        raise ToolError(f"{path} is damaged ({error}); copy it again.") from error
    return Manifest(Layout(folder), content, system, files, layers)
