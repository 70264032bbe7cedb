# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""A second work tree of the project's repository, in which an update is made and tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..paths import TREE
from .git import Git


@contextmanager
def worktree(project: Git) -> Iterator[Path]:
    """Yield the project's folder in a work tree of the present commit; it is removed afterwards.

    One that an interrupted command left is removed first.

    Raises:
        ToolError: git failed.
    """
    _remove(project)
    project.text("worktree", "add", "--quiet", "--detach", str(TREE), "HEAD")
    try:
        yield TREE / project.text("rev-parse", "--show-prefix")
    finally:
        _remove(project)


def branch_of(folder: Path) -> str:
    """Return the branch that a work tree is on, or an empty text."""
    return Git(folder).says("symbolic-ref", "--short", "--quiet", "HEAD")


def _remove(project: Git) -> None:
    project.ended("worktree", "remove", "--force", "--force", str(TREE))
    project.ended("worktree", "prune")
