"""What teams do to their projects: the kinds of edits, and what they are made with."""

from __future__ import annotations

import stat
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

Make = Callable[[Path], None]


class Outcome(Enum):
    """What Copier alone makes of an edit where the next release changes the same file."""

    KEPT = "all of it is there"
    CONFLICT = "both texts are there, between conflict markers"
    LOST = "it is gone without a word"
    REFUSED = "there is no update"


@dataclass(frozen=True)
class Edit:
    """One thing that a team does to a project.

    Attributes:
        make: Does it in the folder of a project.
        needs: Pattern of a path without which it cannot be done, such as one of training.
        alone: Whether other edits change the same lines, so that it has a project of its own.
        outcome: What Copier alone makes of it.
    """

    make: Make
    needs: str = "*"
    alone: bool = False
    outcome: Outcome = Outcome.KEPT

    @property
    def name(self) -> str:
        """Its name in reports."""
        return self.make.__name__

    def fits(self, project: Path) -> bool:
        """Tell whether a project has what the edit needs."""
        return any(project.glob(self.needs))


class Edits(list[Edit]):
    """A list to which functions are added by decorating them."""

    def __call__(
        self, needs: str = "*", *, alone: bool = False, outcome: Outcome = Outcome.KEPT
    ) -> Callable[[Make], Make]:
        """Return a decorator; the arguments are the attributes of ``Edit``."""

        def listed(make: Make) -> Make:
            self.append(Edit(make, needs, alone, outcome))
            return make

        return listed


def package(project: Path) -> Path:
    """Return the folder of the project's package."""
    (found,) = (project / "src").glob("*/answers.json")
    return found.parent


def write(path: Path, text: str) -> None:
    """Write a text file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def append(path: Path, text: str) -> None:
    """Add to the end of a text file."""
    write(path, path.read_text(encoding="utf-8") + text)


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text that a file must have."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} has no {old!r}"
    write(path, text.replace(old, new, 1))


def picture(seed: int) -> bytes:
    """Return a small PNG file whose bytes differ from seed to seed."""
    rows = b"".join(bytes([0, seed, row, 255 - row]) for row in range(64))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 64, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def make_executable(path: Path) -> None:
    """Set the bits for running a file."""
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def format_files(arguments: Sequence[object]) -> None:
    """Run ruff's formatter without the settings of any project."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--quiet",
        "--isolated",
        *map(str, arguments),
    ]
    subprocess.run(command, check=True)
