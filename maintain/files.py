"""Write generated files: all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from maintain.stack.data import StackError


def replace_files(contents: Mapping[Path, str]) -> None:
    """Write files so that none is ever half-written: all beside their places, then all renamed.

    Raises:
        StackError: A file cannot be written; none has changed then.
    """
    siblings = {path: path.with_name(f".{path.name}.new") for path in contents}
    try:
        for path, text in contents.items():
            siblings[path].write_text(text, encoding="utf-8", newline="\n")
        for path, sibling in siblings.items():
            sibling.replace(path)
    except OSError as error:
        raise StackError(f"{error.filename} cannot be written: {error.strerror}.") from None
    finally:
        for sibling in siblings.values():
            sibling.unlink(missing_ok=True)


def changed_files(root: Path, texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return the texts that differ from the files of a repository, by path in it."""
    return {path: text for path, text in texts.items() if _text(root / path) != text}


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
