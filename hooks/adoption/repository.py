"""A git repository as its head has it, and commits made of it without touching a file on disk.

Trees are written with an index of their own. So no hook, filter or checkout of the repository runs,
nothing of its work tree changes, and the branch comes into being at the very end or not at all.
"""

from __future__ import annotations

import codecs
import os
import posixpath
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from envkeep.project.git import Git, Tree, TreeEntry
from hooks.errors import HookError

FILE = "100644"
PROGRAM = "100755"
LINK = "120000"
MODULE = "160000"
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
NOTHING_RUNS = {"core.fsmonitor": "false", "core.hooksPath": os.devnull}
"""Switches off what a repository has configured to run when git works on it."""


@dataclass(frozen=True)
class Repository:
    """A git repository; only objects and, at the end, one branch are added to it."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """Return the repository whose top is a folder, with everything committed.

        Raises:
            HookError: The folder is no such top, or something is not committed.
        """
        if not folder.is_dir():
            raise HookError(f"{folder} is not a folder: name the top of a git repository.")
        found = cls(folder)
        git = found._git
        asked = git.run("rev-parse", "--show-toplevel")
        top = "" if asked.code else asked.output.decode("utf-8", "surrogateescape").strip()
        if not top and "dubious ownership" in asked.errors:
            raise HookError(
                f"{folder} belongs to another user, so git does not open it: if you trust it, run "
                f"`git config --global --add safe.directory {folder.resolve()}`."
            )
        if not top:
            raise HookError(
                f"{folder} is not in a git repository: run `git init`, `git add --all` and "
                "`git commit` there first, so that nothing can get lost."
            )
        if Path(top).resolve() != folder.resolve():
            raise HookError(f"{folder} is inside the repository {top}: name its top.")
        if not git.commit("HEAD"):
            raise HookError(f"{folder} has no commit yet: commit what is there first.")
        if git.output("status", "--porcelain", "--untracked-files=normal", GIT_OPTIONAL_LOCKS="0"):
            raise HookError(f"{folder} has uncommitted changes: commit or stash them first.")
        return found

    @property
    def _git(self) -> Git:
        return Git(self.folder, NOTHING_RUNS)

    @cached_property
    def head(self) -> str:
        """The commit that is checked out."""
        return self._git.commit("HEAD")

    @cached_property
    def tree(self) -> Tree:
        """The files of the head."""
        return self._git.tree(self.head)

    @cached_property
    def origin(self) -> str:
        """Address of the remote that the repository came from; "" without one."""
        return self._git.says("config", "--get", "remote.origin.url")

    def last_day(self) -> str:
        """Return the day of the head's commit, as YYYY-MM-DD."""
        return self._git.says("log", "-1", "--format=%cs", "HEAD")

    def branch(self) -> str:
        """Return the branch that is checked out, "" if there is none."""
        return self._git.says("symbolic-ref", "--short", "--quiet", "HEAD")

    def has_branch(self, name: str) -> bool:
        """Tell whether there is a branch of a name."""
        return bool(self._git.commit(f"refs/heads/{name}"))

    def ignores(self, path: str) -> bool:
        """Tell whether git ignores a path there."""
        return bool(self._git.says("check-ignore", "--no-index", path))

    def check_author(self) -> None:
        """Refuse a repository in which nobody can commit.

        Raises:
            HookError: git does not know who commits.
        """
        if not self._git.says("var", "GIT_COMMITTER_IDENT"):
            raise HookError(
                "git does not know who you are: set `git config user.name` and `user.email`."
            )

    def tree_of(self, commit: str) -> Tree:
        """Return the files of a commit by path."""
        return self._git.tree(commit)

    def content(self, entry: TreeEntry) -> bytes:
        """Return the content of a file; a submodule has none."""
        return b"" if entry.mode == MODULE else self._git.content(entry)

    def linked(self, path: str) -> str:
        """Return the path of the file that a path stands for, following links inside; or ""."""
        for _ in range(8):
            entry = self.tree.get(path)
            if entry is None or entry.mode != LINK:
                return path if entry is not None and entry.mode in (FILE, PROGRAM) else ""
            target = self.content(entry).decode("utf-8", "surrogateescape")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return ""

    def text(self, path: str) -> str | None:
        """Return a file of the head as text, or None if it is not there or not text.

        A link inside the repository is followed, and of a file in Git LFS the work tree has the
        content. UTF-8 and UTF-16 are read as such, other bytes without a zero as Latin-1, which
        every byte is a letter of.
        """
        file = self.linked(path)
        content = self.content(self.tree[file]) if file else b"\0"
        if content.startswith(LFS_POINTER):
            content = self._smudged(file)
        return decoded(content)

    def why_unread(self, path: str) -> str:
        """Return why a file that is there cannot be read as text."""
        file = self.linked(path)
        if file and self.content(self.tree[file]).startswith(LFS_POINTER):
            return "its content is in Git LFS and not here: run `git lfs pull`, then again"
        return "it is no text, or a link to what is not in the repository"

    def _smudged(self, file: str) -> bytes:
        """Return what Git LFS put in the place of a pointer in the work tree, else no text."""
        path = self.folder / file
        content = path.read_bytes() if path.is_file() else b"\0"
        return b"\0" if content.startswith(LFS_POINTER) else content

    def store(self, content: bytes, *, executable: bool = False) -> TreeEntry:
        """Write content to the repository's object store."""
        return TreeEntry(PROGRAM if executable else FILE, self._git.store(content))

    def commit(self, tree: Tree, parent: str, message: str) -> str:
        """Make a commit of a tree; no branch has it yet."""
        lines = b"".join(
            f"{entry.mode} {entry.blob}\t".encode() + os.fsencode(path) + b"\0"
            for path, entry in sorted(tree.items())
        )
        with tempfile.TemporaryDirectory() as folder:
            index = str(Path(folder) / "index")
            self._git.output(
                "update-index", "-z", "--index-info", given=lines, GIT_INDEX_FILE=index
            )
            written = self._git.output("write-tree", GIT_INDEX_FILE=index).decode().strip()
        return self._git.text("commit-tree", written, "-p", parent, "-m", message)

    def make_branch(self, name: str, commit: str) -> None:
        """Make a branch of a commit; what is checked out stays."""
        self._git.output("update-ref", f"refs/heads/{name}", commit, "0" * len(commit))


def decoded(content: bytes) -> str | None:
    """Return bytes as text with plain line ends, or None if they are no text."""
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encodings = ["utf-16"] if content.startswith(marks) else ["utf-8-sig"]
    if b"\0" not in content:
        encodings.append("latin-1")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text.replace("\r\n", "\n")
    return None


@dataclass
class Change:
    """The changes to a tree.

    Attributes:
        tree: The tree as it will be.
        moves: New path by old path.
        merged: Files that hold lines of both sides, with what the repository had there.
    """

    tree: Tree
    moves: dict[str, str] = field(default_factory=dict)
    merged: dict[str, TreeEntry] = field(default_factory=dict)

    def move(self, old: str, new: str) -> None:
        """Move a file to a path that is free."""
        self.tree[new] = self.tree.pop(old)
        self.moves[old] = new


def lost(repository: Repository, commit: str, change: Change, kept: str) -> list[str]:
    """Return the paths of the head whose content is missing from a commit; there must be none.

    A file counts as there if it stands at its path or where it was moved to, with the same mode and
    bytes; or if it was merged and either all its lines stand in the new file or the folder ``kept``
    holds it whole.
    """
    made = repository.tree_of(commit)
    missing = []
    for path, entry in repository.tree.items():
        if made.get(change.moves.get(path, path)) == entry or made.get(f"{kept}/{path}") == entry:
            continue
        if path in change.merged and has_all_lines(
            repository.content(entry), repository.content(made[path]) if path in made else b""
        ):
            continue
        missing.append(path)
    return missing


def has_all_lines(old: bytes, new: bytes) -> bool:
    """Tell whether every line of a text stands in another one at least as often."""
    left = [line.strip() for line in new.splitlines()]
    for line in (line.strip() for line in old.splitlines()):
        if not line:
            continue
        if line not in left:
            return False
        left.remove(line)
    return True
