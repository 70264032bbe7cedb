"""A git repository as its head has it, and commits made of it without touching a file on disk.

Trees are written with an index of their own. So no hook, filter or checkout of the repository runs,
nothing of its work tree changes, and the branch comes into being at the very end or not at all.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hooks.errors import HookError

FILE = "100644"
PROGRAM = "100755"
LINK = "120000"
MODULE = "160000"


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its mode and the hash of its content, as git writes them."""

    mode: str
    blob: str


Tree = dict[str, Entry]


@dataclass(frozen=True)
class Repository:
    """A git repository; only objects and, at the end, one branch are added to it."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """Return the repository whose top is a folder, with everything committed.

        Raises:
            HookError: It is none, or something is not committed.
        """
        if not folder.is_dir():
            raise HookError(f"{folder} is not a folder: name the top of a git repository.")
        found = cls(folder)
        top = found._try("rev-parse", "--show-toplevel")
        if top is None:
            raise HookError(
                f"{folder} is not in a git repository: run `git init`, `git add --all` and "
                "`git commit` there first, so that nothing can get lost."
            )
        if Path(os.fsdecode(top).rstrip("\n")).resolve() != folder.resolve():
            shown = os.fsdecode(top).strip()
            raise HookError(f"{folder} is inside the repository {shown}: name its top.")
        if found._try("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
            raise HookError(f"{folder} has no commit yet: commit what is there first.")
        if found._git("status", "--porcelain", "--untracked-files=normal"):
            raise HookError(f"{folder} has uncommitted changes: commit or stash them first.")
        return found

    @cached_property
    def head(self) -> str:
        """The commit that is checked out."""
        return self._git("rev-parse", "HEAD").decode().strip()

    @cached_property
    def tree(self) -> Tree:
        """The files of the head."""
        return self.tree_of(self.head)

    @cached_property
    def origin(self) -> str:
        """Address of the remote that the repository came from; "" without one."""
        return (self._try("config", "--get", "remote.origin.url") or b"").decode().strip()

    def branch(self) -> str:
        """Return the branch that is checked out, or the commit if there is none."""
        return (self._try("symbolic-ref", "--short", "--quiet", "HEAD") or b"").decode().strip()

    def has_branch(self, name: str) -> bool:
        """Tell whether there is a branch of a name."""
        return self._try("rev-parse", "--verify", "--quiet", f"refs/heads/{name}") is not None

    def ignores(self, path: str) -> bool:
        """Tell whether git ignores a path there."""
        return self._try("check-ignore", "--quiet", "--no-index", path) is not None

    def check_author(self) -> None:
        """Refuse a repository in which nobody can commit.

        Raises:
            HookError: git does not know who commits.
        """
        if self._try("var", "GIT_COMMITTER_IDENT") is None:
            raise HookError(
                "git does not know who you are: set `git config user.name` and `user.email`."
            )

    def tree_of(self, commit: str) -> Tree:
        """Return the files of a commit by path."""
        tree = {}
        for line in self._git("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.decode().split()
            tree[os.fsdecode(path)] = Entry(mode, blob)
        return tree

    def content(self, entry: Entry) -> bytes:
        """Return the content of a file; a submodule has none."""
        return b"" if entry.mode == MODULE else self._git("cat-file", "blob", entry.blob)

    def text(self, path: str) -> str | None:
        """Return a file of the head as text, None if it is none."""
        entry = self.tree.get(path)
        if entry is None or entry.mode not in (FILE, PROGRAM):
            return None
        try:
            return self.content(entry).decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None

    def store(self, content: bytes, *, executable: bool = False) -> Entry:
        """Put a content into the repository's objects."""
        blob = self._git("hash-object", "-w", "--no-filters", "--stdin", sent=content)
        return Entry(PROGRAM if executable else FILE, blob.decode().strip())

    def commit(self, tree: Tree, parent: str, message: str) -> str:
        """Make a commit of a tree; no branch has it yet."""
        lines = b"".join(
            f"{entry.mode} {entry.blob}\t".encode() + os.fsencode(path) + b"\0"
            for path, entry in sorted(tree.items())
        )
        with tempfile.TemporaryDirectory() as folder:
            own_index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._git("update-index", "-z", "--index-info", sent=lines, variables=own_index)
            written = self._git("write-tree", variables=own_index).decode().strip()
        made = self._git("commit-tree", written, "-p", parent, "-m", message)
        return made.decode().strip()

    def make_branch(self, name: str, commit: str) -> None:
        """Make a branch of a commit; what is checked out stays."""
        self._git("update-ref", f"refs/heads/{name}", commit, "0" * len(commit))

    def _try(self, *arguments: str) -> bytes | None:
        done = self._start(arguments)
        return None if done.returncode else done.stdout

    def _git(
        self,
        *arguments: str,
        sent: bytes | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> bytes:
        done = self._start(arguments, sent, variables)
        if done.returncode:
            reason = " ".join(done.stderr.decode(errors="replace").split()) or "no reason given"
            raise HookError(f"git {arguments[0]} failed in {self.folder}: {reason}.", exit_code=1)
        return done.stdout

    def _start(
        self,
        arguments: tuple[str, ...],
        sent: bytes | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        # What a repository has configured to run when git works on it stays off.
        nothing_runs = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
        command = ["git", "--no-optional-locks", *nothing_runs, *arguments]
        environment = {**os.environ, **(variables or {})}
        return subprocess.run(
            command, cwd=self.folder, input=sent, env=environment, capture_output=True, check=False
        )


@dataclass
class Change:
    """What becomes of a tree.

    Attributes:
        tree: The tree as it will be.
        moves: New path by old path.
        merged: Files that hold lines of both sides, with what the repository had there.
    """

    tree: Tree
    moves: dict[str, str] = field(default_factory=dict)
    merged: dict[str, Entry] = field(default_factory=dict)

    def move(self, old: str, new: str) -> None:
        """Move a file to a path that is free."""
        self.tree[new] = self.tree.pop(old)
        self.moves[old] = new


def lost(repository: Repository, commit: str, change: Change, kept: str) -> list[str]:
    """Return the paths of the head whose content is not in a commit, which there must be none of.

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
