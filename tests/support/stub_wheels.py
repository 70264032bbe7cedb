"""Stub wheels: the names, versions, tags and dependencies of wheels, without their code.

They stand for wheels that cannot be had where the tests run. Each says so in its description.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

METADATA_SUFFIX = ".metadata"
EPOCH = (1980, 1, 1, 0, 0, 0)
ANY = "py3-none-any"


@dataclass(frozen=True)
class StubWheel:
    """What a stub says of itself.

    Attributes:
        name: Name of the distribution as it is published.
        version: Version with its local label, if it has one.
        tag: Tag of the wheel, such as ``py3-none-any``.
        requires: Its dependencies, as in ``Requires-Dist``.
        python: The Pythons that it is for, as in ``Requires-Python``.
        modules: File names and texts of the modules that it brings, if any.
    """

    name: str
    version: str
    tag: str = ANY
    requires: tuple[str, ...] = ()
    python: str = ">=3.8"
    modules: tuple[tuple[str, str], ...] = ()

    @property
    def _project(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def filename(self) -> str:
        """Name of the wheel's file."""
        return f"{self._project}-{self.tag}.whl"

    @property
    def metadata(self) -> str:
        """The file ``METADATA``."""
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {self.name}",
            f"Version: {self.version}",
            "Summary: A stub without code that stands for the real wheel in a test",
            f"Requires-Python: {self.python}",
            *(f"Requires-Dist: {each}" for each in self.requires),
        ]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> Path:
        """Write the wheel, the same bytes every time, and return its path."""
        info = f"{self._project}.dist-info"
        content = {
            **dict(self.modules),
            f"{info}/METADATA": self.metadata,
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {self.tag}\n",
        }
        record = [f"{name},," for name in (*content, f"{info}/RECORD")]
        content[f"{info}/RECORD"] = "\n".join(record) + "\n"
        path = folder / self.filename
        path.unlink(missing_ok=True)  # a link would be followed, and a real wheel overwritten
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in content.items():
                wheel.writestr(zipfile.ZipInfo(name, EPOCH), text)
        return path


def metadata_of(wheel: Path) -> str:
    """Return the file ``METADATA`` of a wheel, a stub or a real one."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [
            name
            for name in archive.namelist()
            if name.count("/") == 1 and name.endswith(".dist-info/METADATA")
        ]
        return archive.read(name).decode()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
