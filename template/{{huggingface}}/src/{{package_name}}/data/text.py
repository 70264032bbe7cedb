"""A book that the package brings: Lewis Carroll, Alice's Adventures in Wonderland (1865).

It is in the public domain everywhere: the author died in 1898. data/README.md says where this text
of it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..config import DataConfig
from ..errors import DataError
from .manifest import list_own, verify, write_listed

BOOK = "alice.txt"
EXAMPLE = Path("data/raw", BOOK)


@dataclass(frozen=True)
class Texts:
    """What training sees and what it never sees, and the SHA-256 of the file of both."""

    train: str
    held_out: str
    sha256: str


def create(path: Path, *, accept: bool = False) -> str:
    """Writes the book, the same bytes every time, or lists a text of one's own as it is.

    Returns:
        The SHA-256 of the file.

    Raises:
        DataError: The text of one's own is not there, or the file is another one than the manifest
            lists and `accept` is false.
    """
    if path.resolve() != EXAMPLE.resolve():
        return list_own(path, accept=accept)
    content = resources.files(__package__).joinpath(BOOK).read_bytes()

    def write(target: Path) -> None:
        target.write_bytes(content)

    return write_listed(path, write, accept=accept)


def load_texts(config: DataConfig) -> Texts:
    """Verifies the file against the manifest and cuts off its end, between two paragraphs.

    Raises:
        DataError: The file is not the listed one, or not text that can be cut.
    """
    sha256 = verify(config.path)
    try:
        text = config.path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{config.path} is not text in UTF-8.") from error
    wanted = round(len(text) * (1 - config.held_out_fraction))
    border = text.find("\n\n", wanted) + 2
    if border < 2 or not text[:border].strip() or not text[border:].strip():
        raise DataError(
            f"{config.path} has no paragraph to hold out: take another data.held_out_fraction."
        )
    return Texts(text[:border], text[border:], sha256)
