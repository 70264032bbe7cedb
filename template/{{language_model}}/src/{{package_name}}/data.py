"""A book that the package brings: Lewis Carroll, Alice's Adventures in Wonderland (1865).

It is in the public domain everywhere: the author died in 1898. The text is that of the file
`alice29.txt` of the Canterbury corpus for compressors, as Brotli's source release 1.2.1 has it
among its test data. Its lines end with LF here; blanks at their ends, repeated empty lines and the
line that names the edition are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from .config import DataConfig
from .kit.errors import DataError
from .kit.manifest import list_own, verify, write_listed

BOOK = "alice.txt"
EXAMPLE = Path("data/raw", BOOK)


@dataclass(frozen=True)
class Texts:
    """The three parts of the text, one after the other, and the SHA-256 of their file.

    Attributes:
        train: What the model learns from.
        val: What chooses: the best epoch, and settings.
        test: What chooses nothing: what is reported is of this part.
        sha256: Of the file.
    """

    train: str
    val: str
    test: str
    sha256: str


def create(path: Path, *, accept: bool = False) -> str:
    """Write the book, the same bytes every time, or list a text of one's own as it is.

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
    """Verify the file against the manifest and cut its text into three, between paragraphs.

    Raises:
        DataError: The file is not the listed one, or not text that can be cut.
    """
    sha256 = verify(config.path)
    try:
        text = config.path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{config.path} is not text in UTF-8.") from error
    val_at = _border(text, 1 - config.val_fraction - config.test_fraction)
    test_at = _border(text, 1 - config.test_fraction)
    parts = text[:val_at], text[val_at:test_at], text[test_at:]
    if not all(part.strip() for part in parts):
        raise DataError(
            f"{config.path} has too few paragraphs for training, validation and test: take other "
            "data.val_fraction and data.test_fraction."
        )
    return Texts(*parts, sha256)


def _border(text: str, share: float) -> int:
    """Return where the first paragraph after this share of the text begins; 0 if there is none."""
    blank = text.find("\n\n", round(len(text) * share))
    return blank + 2 if blank >= 0 else 0
