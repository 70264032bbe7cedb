"""Where the parts of an archive lie in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envkeep.files import sha256_of
from envkeep.paths import REQUIREMENTS

PYTHON = "python.tar.gz"


@dataclass(frozen=True)
class Layout:
    """The paths of an archive.

    Attributes:
        folder: Where it lies.
    """

    folder: Path

    @property
    def manifest(self) -> Path:
        """The hashes of all other files; it is written last, so without it nothing is whole."""
        return self.folder / "manifest.json"

    @property
    def files(self) -> Path:
        """The folder of what was downloaded."""
        return self.folder / "files"

    @property
    def built(self) -> Path:
        """The folder of the wheels that were built from source."""
        return self.folder / "built"

    @property
    def sources(self) -> tuple[Path, Path]:
        """The folders from which an installation takes its files."""
        return self.files, self.built

    @property
    def requirements(self) -> Path:
        """The project's requirements, with the locks as they were."""
        return self.folder / REQUIREMENTS.name

    @property
    def locks(self) -> Path:
        """The folder of the locks with the hashes of the files that were archived."""
        return self.folder / "locks"

    def lock(self, layer: str) -> Path:
        """Return a layer's or an environment's lock with the hashes of what was archived."""
        return self.locks / f"{layer.rpartition('/')[2]}.txt"

    @property
    def tools(self) -> Path:
        """The lock of the tools that install."""
        return self.folder / "tools.txt"

    @property
    def python(self) -> Path:
        """The interpreter, packed; most archives have none."""
        return self.folder / PYTHON

    @property
    def readme(self) -> Path:
        """The README: what the archive is, and how to restore it by hand."""
        return self.folder / "README.md"

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of every file but the manifest, by path."""
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return {
            path.relative_to(self.folder).as_posix(): sha256_of(path)
            for path in sorted(paths)
            if path != self.manifest
        }
