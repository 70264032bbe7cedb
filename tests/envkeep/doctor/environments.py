"""Environments that a test writes: distributions of a few files, with metadata as installers do.

Stand-ins: nothing in them runs. What installers write was read in environments that uv made.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Written:
    """An environment on disk.

    Attributes:
        folder: Where it lies.
        python: The version of its Python, ``major.minor``.
    """

    folder: Path
    python: str = "3.12"

    @property
    def packages(self) -> Path:
        """The folder of its packages."""
        return self.folder / "lib" / f"python{self.python}" / "site-packages"

    @classmethod
    def make(cls, folder: Path, home: Path | None = None, python: str = "3.12") -> Written:
        """Write an empty environment; its Python is said to lie in ``home``."""
        found = cls(folder, python)
        found.packages.mkdir(parents=True)
        settings = f"home = {home or folder}\nversion_info = {python}.1\n"
        (folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")
        return found

    def add(
        self,
        name: str,
        version: str = "1.0",
        files: Mapping[str, bytes] | None = None,
        *,
        installer: str = "uv",
    ) -> Path:
        """Write a distribution and return the folder of its metadata.

        Args:
            name: Its name.
            version: Its version.
            files: Contents by path, relative to the folder of packages; by default one module.
            installer: What is said to have installed it.
        """
        contents = {f"{name.replace('-', '_')}.py": b""} if files is None else files
        folder = self.packages / f"{name.replace('-', '_')}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nText\n"
        contents = {**contents, f"{folder.name}/METADATA": metadata.encode()}
        contents[f"{folder.name}/INSTALLER"] = installer.encode()
        for path, content in contents.items():
            (self.packages / path).parent.mkdir(parents=True, exist_ok=True)
            (self.packages / path).write_bytes(content)
        record = [f"{path},{_hash(each)},{len(each)}" for path, each in contents.items()]
        (folder / "RECORD").write_text("\n".join([*record, f"{folder.name}/RECORD,,", ""]))
        return folder


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"
