# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""The compiled locks of this platform: where they lie, their hash, and whether they are fresh."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ToolError
from .paths import LOCKS, shown
from .project import BACKEND, machine, python_version
from .requirements import inputs_hash, layers

CONSTRAINTS_NAME = "constraints.txt"


def folder() -> Path:
    """Return the folder of the locks for this platform and backend."""
    return LOCKS / f"{machine().platform}-{BACKEND}"


def lock_file(layer: str) -> Path:
    """Return the lock of one layer."""
    return folder() / f"{layer}.txt"


def constraints_file() -> Path:
    """Return the pins that hold for all layers of this lock."""
    return folder() / CONSTRAINTS_NAME


def missing(wanted: Iterable[str]) -> list[str]:
    """Return the layers that have no lock yet."""
    return [layer for layer in wanted if not lock_file(layer).exists()]


def require(wanted: Iterable[str]) -> list[Path]:
    """Return the locks of some layers.

    Raises:
        ToolError: One of them is missing.
    """
    absent = missing(wanted)
    if absent:
        raise ToolError(f"{shown(lock_file(absent[0]))} is missing; run `make lock` first.")
    return [lock_file(layer) for layer in wanted]


def lock_hash(wanted: Iterable[str]) -> str:
    """Return the SHA-256 over the locks of some layers and the Python that they are for."""
    digest = hashlib.sha256(python_version().encode())
    for path in require(wanted):
        digest.update(f"\0{path.name}\0".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def are_fresh() -> bool:
    """Tell whether the locks were compiled from the requirements as they are now."""
    if missing(layers()) or not constraints_file().exists():
        return False
    found = re.search(r"inputs: sha256:(\w+)", constraints_file().read_text(encoding="utf-8"))
    return found is not None and found[1] == inputs_hash()


def pinned(path: Path) -> dict[str, str]:
    """Return the versions in a lock by package name."""
    pins = re.findall(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", path.read_text(encoding="utf-8"), re.M)
    return dict(pins)


def hashes_of(path: Path, name: str) -> set[str]:
    """Return the SHA-256 values that a lock admits for a package."""
    entry = re.search(
        rf"^{re.escape(name)}==.*(?:\n[ ]+--hash=.*)*", path.read_text(encoding="utf-8"), re.M
    )
    return set(re.findall(r"sha256:([0-9a-f]{64})", entry.group())) if entry else set()


def without_hash(path: Path) -> list[str]:
    """Return the requirements of a lock that no hash can be enforced for."""
    entries = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8"))
    return [
        entry.split("\n")[0].removeprefix("-e ").split(" @ ")[0]
        for entry in entries
        if entry.strip() and not entry.startswith("#") and "--hash=" not in entry
    ]


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Put the folder of locks back as it was if anything inside fails or is interrupted."""
    target = folder()
    with tempfile.TemporaryDirectory() as temporary:
        before = Path(temporary) / "locks"
        if target.exists():
            shutil.copytree(target, before)
        target.mkdir(parents=True, exist_ok=True)
        try:
            yield
        except BaseException:
            shutil.rmtree(target)
            if before.exists():
                shutil.copytree(before, target)
            raise
