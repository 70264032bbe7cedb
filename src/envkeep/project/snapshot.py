"""Copies of the project: as it is now, or as it was in a commit."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from envkeep import temporary
from envkeep.paths import ROOT
from envkeep.project.git import Git


@contextmanager
def of_now() -> Iterator[Path]:
    """Yield a copy of the project's files, uncommitted changes included, without ignored ones.

    Raises:
        ToolError: The project is not under git.
    """
    with temporary.folder() as copy:
        listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for path in Git(ROOT).paths(*listed):
            if (ROOT / path).is_file():
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, copy / path)
        yield copy


@contextmanager
def of_commit(commit: str) -> Iterator[Path]:
    """Yield a copy of the project as it was committed.

    Raises:
        ToolError: git failed.
    """
    with temporary.folder() as copy:
        content = Git(ROOT).output("archive", "--format=tar", commit)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(copy, filter="data")
        yield copy


def lend(copy: Path, folders: Iterable[Path]) -> None:
    """Let a copy use folders of the project as its own, by links to them."""
    for folder in folders:
        place = copy / folder.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.symlink_to(folder, target_is_directory=True)
        except OSError:  # without the right to make links on Windows they are made anew
            return
