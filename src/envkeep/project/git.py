"""Run git without the machine's settings that change a project's lines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envkeep.errors import ToolError
from envkeep.process import Completed, run

OF_A_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
EVERYWHERE = {
    "apply.whitespace": "nowarn",
    "color.ui": "false",
    "core.hooksPath": os.devnull,
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
}
APART = {
    **EVERYWHERE,
    "commit.gpgSign": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.safecrlf": "false",
    "merge.conflictStyle": "merge",
    "user.email": "update@localhost",
    "user.name": "make update",
}
"""What holds where Copier works: there, no line may change for a reason of this machine."""


def is_tracked(folder: Path) -> bool:
    """Tell whether a folder lies in a repository that git, which is installed, can be asked of."""
    in_repository = any((each / ".git").exists() for each in (folder, *folder.parents))
    return in_repository and bool(shutil.which("git"))


def variables(settings: Mapping[str, str], **extra: str) -> dict[str, str | None]:
    """Return variables for git, with settings that win over those of its files.

    Args:
        settings: Names and values of git's settings.
        extra: Variables to add.
    """
    own: dict[str, str | None] = {**dict.fromkeys(OF_A_REPOSITORY), **extra}
    count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    for number, (name, value) in enumerate(settings.items(), start=count):
        own[f"GIT_CONFIG_KEY_{number}"] = name
        own[f"GIT_CONFIG_VALUE_{number}"] = value
    own["GIT_CONFIG_COUNT"] = str(count + len(settings))
    return own


@dataclass(frozen=True)
class TreeEntry:
    """A path in a git tree: its mode, and the name of its content."""

    mode: str
    blob: str


Tree = dict[str, TreeEntry]


@dataclass(frozen=True)
class Git:
    """Git in one folder.

    Attributes:
        folder: Where it runs; paths are relative to it.
        settings: Settings that win over those of the machine.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=lambda: EVERYWHERE)

    def run(self, *arguments: str, given: bytes = b"", **extra: str) -> Completed:
        """Run git and return how it ended, whatever its exit code."""
        own = variables(self.settings, LC_ALL="C", **extra)
        return run(
            ["git", *arguments], cwd=self.folder, env=own, stdin=given, mode="capture", check=False
        )

    def output(self, *arguments: str, given: bytes = b"", **extra: str) -> bytes:
        """Run git and return what it printed.

        Raises:
            ToolError: git failed.
        """
        done = self.run(*arguments, given=given, **extra)
        if done.code:
            reason = (done.errors.strip().splitlines() or ["it gave no reason"])[-1].rstrip(".")
            raise ToolError(f"`git {arguments[0]}` failed: {reason}.")
        return done.output

    def text(self, *arguments: str) -> str:
        """Return what git printed as text, without the last line end.

        Raises:
            ToolError: git failed.
        """
        return self.output(*arguments).decode("utf-8", "surrogateescape").rstrip("\n")

    def says(self, *arguments: str) -> str:
        """Return what git printed as text, or an empty text if it failed."""
        done = self.run(*arguments)
        return "" if done.code else done.output.decode("utf-8", "surrogateescape").strip()

    def commit(self, name: str) -> str:
        """Return the full name of the commit that a branch, tag or short name means, or ""."""
        wanted = name + "^{commit}"
        return self.says("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)

    def paths(self, *arguments: str) -> list[str]:
        """Return the paths that git printed, each ended by NUL.

        Raises:
            ToolError: git failed.
        """
        return [path for path in self.text(*arguments).split("\0") if path]

    def tree(self, name: str) -> Tree:
        """Return what a tree holds, by path.

        Raises:
            ToolError: git failed.
        """
        found: Tree = {}
        for line in self.paths("ls-tree", "-r", "-z", "--full-tree", name):
            facts, _, path = line.partition("\t")
            mode, _, blob = facts.split(" ")
            found[path] = TreeEntry(mode, blob)
        return found

    def content(self, entry: TreeEntry) -> bytes:
        """Return the content of a file.

        Raises:
            ToolError: git failed.
        """
        return self.output("cat-file", "blob", entry.blob)

    def store(self, content: bytes) -> str:
        """Write content as an object and return its name.

        Raises:
            ToolError: git failed.
        """
        return self.output("hash-object", "-w", "--stdin", given=content).decode().strip()
