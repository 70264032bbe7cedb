"""Change files of several folders together: all or none, even if the command is killed.

The files are made in copies. A mark says that all are done; what a killed command had not put in
place by then, the next one does.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from envkeep.files import write_whole
from envkeep.paths import ROOT, STAGED

FILES = STAGED / "files"
DONE = STAGED / "done"


@contextmanager
def copies(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield a stand-in for the project's folder, with copies of some of its folders."""
    shutil.rmtree(STAGED, ignore_errors=True)
    for folder in folders:
        place = FILES / folder.relative_to(ROOT)
        if folder.exists():
            shutil.copytree(folder, place)
        place.mkdir(parents=True, exist_ok=True)
    try:
        yield FILES
    finally:
        if not DONE.exists():
            shutil.rmtree(STAGED, ignore_errors=True)


@contextmanager
def replaced(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the copies of some folders; what they hold at the end becomes the project's."""
    with copies(folders) as top:
        yield top
        DONE.touch()
        finish()


def finish() -> None:
    """Complete a finished transaction, and discard that of a killed command."""
    if DONE.exists():
        for path in sorted(path for path in FILES.rglob("*") if path.is_file()):
            _put(path, ROOT / path.relative_to(FILES))
    shutil.rmtree(STAGED, ignore_errors=True)


def _put(path: Path, place: Path) -> None:
    content = path.read_bytes()
    if not place.exists() or place.read_bytes() != content:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, content)
