"""The compiled locks of a target: where they lie, their hash, and whether they are fresh."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from envkeep import transaction
from envkeep.errors import ToolError
from envkeep.locks import lockfile
from envkeep.locks.constraints import INPUTS, INPUTS_OF, inputs_by_lock, inputs_hash
from envkeep.locks.lockfile import LockEntry
from envkeep.paths import LOCKS, ROOT, shown
from envkeep.project.metadata import python_version
from envkeep.project.named_environments import FOLDER, is_named
from envkeep.project.requirements import EXPORTERS, layers
from envkeep.project.target import Target, locked_alone


@dataclass(frozen=True)
class Locks:
    """The folder of locks of one target, which may not exist yet.

    Attributes:
        target: What they are for.
        top: Where the folders of all targets lie, if that is not the project's own place.
    """

    target: Target
    top: Path | None = None

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return (self.top or LOCKS) / self.target.name

    @property
    def constraints(self) -> Path:
        """The pins that hold for all layers of this target."""
        return self.folder / "constraints.txt"

    def file(self, layer: str) -> Path:
        """Return the lock of one layer or exporter."""
        return self.folder / f"{layer}.txt"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of this target's locks: the layers in order, then what is locked alone."""
        return (*layers(), *locked_alone(self.target))

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Return the layers that have no lock yet."""
        return [layer for layer in wanted if not self.file(layer).exists()]

    def require(self, wanted: Iterable[str]) -> list[Path]:
        """Return the locks of some layers.

        Raises:
            ToolError: The lock of one of the layers is missing.
        """
        wanted = tuple(wanted)
        absent = self.missing(wanted)
        if absent:
            raise ToolError(f"{shown(self.file(absent[0]))} is missing; run `make lock` first.")
        return [self.file(layer) for layer in wanted]

    def sha256(self, wanted: Iterable[str]) -> str:
        """Return the SHA-256 over the locks of some layers and the Python that they are for."""
        return hash_of_locks(self.require(wanted))

    def remove_superseded(self) -> None:
        """Remove the locks of environments by name that are no more, or no more for this target."""
        wanted = {Path(name).name for name in self.names if is_named(name)}
        for path in (self.folder / FOLDER).glob("*.*"):
            if path.stem.removeprefix("pylock.") not in wanted:
                path.unlink()

    def are_fresh(self) -> bool:
        """Tell whether they were compiled from the current requirements."""
        if self.missing(self.names) or not self.constraints.exists():
            return False
        text = self.constraints.read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(INPUTS)}(\w+)", text, re.MULTILINE)
        return found is not None and found[1] == inputs_hash(self.target)

    def unchanged(self) -> set[str]:
        """Return the names of the locks whose own inputs are those that they were compiled from.

        Another lock before them may have changed.
        """
        if not self.constraints.exists():
            return set()
        text = self.constraints.read_text(encoding="utf-8")
        then = {found["lock"]: found["sha256"] for found in INPUTS_OF.finditer(text)}
        now = inputs_by_lock(self.target)
        return {name for name in now if then.get(name) == now[name] and self.file(name).exists()}


def hash_of_locks(locks: Iterable[Path]) -> str:
    """Return the SHA-256 over locks in their order and the Python that they are for."""
    digest = hashlib.sha256(python_version().encode())
    for path in locks:
        digest.update(f"\0{path.name}\0".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def decided_by(path: Path) -> tuple[str, ...]:
    """Return the requirements of a lock: its own if it was locked alone, or those of all layers."""
    folder = path.parent.name
    return (f"{folder}/{path.stem}",) if folder in (EXPORTERS, FOLDER) else layers()


def pinned(path: Path) -> dict[str, str]:
    """Return the versions in a lock by package name; what has an address instead is left out."""
    return {entry.name: entry.version for entry in entries_of(path) if entry.version}


def entries_of(path: Path) -> list[LockEntry]:
    """Return the entries of a lock."""
    return lockfile.parse_lock(path.read_text(encoding="utf-8"))


@contextmanager
def copied_locks(wanted: Iterable[Target]) -> Iterator[Path]:
    """Yield temporary copies of the folders of some locks."""
    with transaction.copies(Locks(each).folder for each in wanted) as top:
        yield top / LOCKS.relative_to(ROOT)


@contextmanager
def replaced_locks(wanted: Iterable[Target]) -> Iterator[Path]:
    """Yield where to write the locks of some targets; at the end all change, or none."""
    with transaction.replaced(Locks(each).folder for each in wanted) as top:
        yield top / LOCKS.relative_to(ROOT)
