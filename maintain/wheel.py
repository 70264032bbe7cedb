"""Build envkeep's wheel and bring it into the template, with the wheels of what it needs.

Projects carry these wheels, ``requirements/stack/wheels``, and their hashes, ``envkeep.txt`` there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from flit_core.wheel import make_wheel_in  # type: ignore[import-untyped]
from packaging.requirements import Requirement

STACK = Path("template", "requirements", "stack")
LOCK = Path("requirements", "dev.txt")
EPOCH = "1767225600"  # 2026-01-01: the same sources give the same bytes
ABOUT = """\
# Owned by the template: every update rewrites this file. It holds the hashes of envkeep's wheels.
"""


@dataclass(frozen=True)
class Locked:
    """A package that envkeep needs, as this repository's lock has it."""

    name: str
    lines: str

    @property
    def wheel(self) -> str:
        """The file name of its wheel, which is the same for all platforms."""
        version = self.lines.partition("==")[2].split()[0]
        return f"{self.name}-{version}-py3-none-any.whl"

    def is_in(self, folder: Path) -> bool:
        """Tell whether a folder holds its wheel."""
        path = folder / self.wheel
        return path.exists() and f"sha256:{_sha256(path)}" in self.lines


def refresh_wheels(root: Path) -> Path:
    """Write the wheels and the hashes of a repository's template.

    Returns:
        The wheel of envkeep.
    """
    folder = root / STACK / "wheels"
    needed = list(dependencies(root))
    if not all(each.is_in(folder) for each in needed):
        fetch(needed, folder)
    return write_wheel(root)


def dependencies(repository: Path) -> Iterator[Locked]:
    """Yield the packages that envkeep needs."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (repository / LOCK).read_text(encoding="utf-8")
    for line in project["dependencies"]:
        name = Requirement(line).name
        found = re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
        if not found:
            raise SystemExit(f"{LOCK} has no {name}: add it to dev.in, then `make lock-dev`.")
        yield Locked(name, found[0])


def fetch(needed: list[Locked], folder: Path) -> None:
    """Replace all wheels of a folder by those of what envkeep needs."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as temporary:
        wanted = Path(temporary, "wanted.txt")
        wanted.write_text("".join(each.lines for each in needed), encoding="utf-8")
        options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet")
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder)]
        subprocess.run([*command, "--requirement", str(wanted)], check=True)


def write_wheel(repository: Path) -> Path:
    """Build envkeep in a repository's template, beside the other wheels, and write their hashes.

    Returns:
        The wheel.
    """
    folder = repository / STACK / "wheels"
    for old in folder.glob("envkeep-*.whl"):
        old.unlink()
    wheel = build(repository, folder)
    lines = [_line(path) for path in sorted(folder.glob("*.whl"))]
    hashes = repository / STACK / "envkeep.txt"
    hashes.write_text(ABOUT + "".join(lines), encoding="utf-8", newline="\n")
    return wheel


def build(repository: Path, folder: Path) -> Path:
    """Build the wheel of a repository's sources into a folder, and return it.

    The builder takes all that is in the package's folder, so caches of checkers stay behind.
    """
    with (
        tempfile.TemporaryDirectory() as clean,
        mock.patch.dict(os.environ, SOURCE_DATE_EPOCH=EPOCH),
    ):
        for name in ("pyproject.toml", "LICENSE"):
            shutil.copy2(repository / name, clean)
        sources, copied = repository / "src" / "envkeep", Path(clean, "src", "envkeep")
        shutil.copytree(sources, copied, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        wheel: Path = make_wheel_in(Path(clean, "pyproject.toml"), folder).file
    return wheel


def _line(wheel: Path) -> str:
    name, version, *_ = wheel.name.split("-")
    return f"{name}=={version} --hash=sha256:{_sha256(wheel)}\n"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
