"""A second work tree of the project's repository, in which an update is made and tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envkeep.files import write_whole
from envkeep.paths import TREE, TREE_FACTS
from envkeep.project.git import Git

BRANCHES = "refs/heads/template-update-*"


@contextmanager
def worktree(project: Git) -> Iterator[Path]:
    """Yield the project's folder in a work tree of the present commit; it is removed afterwards.

    What an interrupted command left is removed first: the work tree, and the branch it had made,
    which nobody was told of.

    Raises:
        ToolError: git failed.
    """
    _remove(project)
    _remove_untold(project)
    TREE_FACTS.parent.mkdir(exist_ok=True)
    write_whole(TREE_FACTS, json.dumps(_branches(project)).encode())
    project.text("worktree", "add", "--quiet", "--detach", str(TREE), "HEAD")
    try:
        yield TREE / project.text("rev-parse", "--show-prefix")
    finally:
        _remove(project)
        TREE_FACTS.unlink()


def branch_of(folder: Path) -> str:
    """Return the branch that a work tree is on, or an empty text."""
    return Git(folder).says("symbolic-ref", "--short", "--quiet", "HEAD")


def _branches(project: Git) -> list[str]:
    return project.text("for-each-ref", "--format=%(refname:short)", BRANCHES).split()


def _remove(project: Git) -> None:
    project.run("worktree", "remove", "--force", "--force", str(TREE))
    project.run("worktree", "prune")


def _remove_untold(project: Git) -> None:
    try:
        known = json.loads(TREE_FACTS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for branch in set(_branches(project)).difference(known):
        project.text("branch", "--quiet", "--delete", "--force", branch)
