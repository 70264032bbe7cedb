"""What stands in a project, and what of the team's work an update lost."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.copier_runs import git

MARKERS = (b"<<<<<<< before updating", b">>>>>>> after updating")


@dataclass(frozen=True)
class Entry:
    """A file or a link.

    Attributes:
        content: Bytes of the file, or the target of the link.
        kind: ``file``, ``executable`` or ``link``.
    """

    content: bytes
    kind: str

    @property
    def lines(self) -> Counter[bytes]:
        """How often each line is there; line ends and spaces around do not count."""
        return Counter(line.strip() for line in self.content.splitlines())


State = Mapping[str, Entry]


def state_of(project: Path) -> State:
    """Return everything in a project but its own git directory; ignored files are among it."""
    found = {}
    for folder, folders, names in os.walk(project):
        if Path(folder) == project:
            folders[:] = [name for name in folders if name != ".git"]
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*names, *links):
            found[(here / name).relative_to(project).as_posix()] = _entry(here / name)
    return found


def _entry(path: Path) -> Entry:
    if path.is_symlink():
        return Entry(os.fsencode(path.readlink()), "link")
    executable = path.stat().st_mode & 0o111
    return Entry(path.read_bytes(), "executable" if executable else "file")


def changed(before: State, after: State) -> set[str]:
    """Return the paths that came, went or changed."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def lost(before: State, edited: State, after: State, merged: set[str]) -> list[str]:
    """Say what of the team's edits is not there after an update.

    Args:
        before: The project as it was copied.
        edited: The project with the team's edits.
        after: The project after the update.
        merged: Files that the template may change too; all others must be as the team left them.

    Returns:
        One sentence for each loss.
    """
    return [
        f"{path}: {loss}"
        for path in sorted(changed(before, edited))
        for loss in _losses(before.get(path), edited.get(path), after.get(path), path in merged)
    ]


def _losses(
    before: Entry | None, edited: Entry | None, after: Entry | None, merged: bool
) -> Iterator[str]:
    if edited is None or after is None:
        if after is not None:
            yield "came back"
        elif edited is not None:
            yield "is gone"
        return
    if not merged and after != edited:
        yield "is not as it was left"
    if after.kind != edited.kind:
        yield f"was a {edited.kind} and is a {after.kind}"
    original = before.lines if before else Counter()
    for line in edited.lines - original - after.lines:
        yield f"lost the line {line!r}"
    for line in original - edited.lines:
        if after.lines[line] > edited.lines[line]:
            yield f"has the line {line!r} again"


def trouble(project: Path) -> list[str]:
    """Return what an update left to a person: unmerged files, rejects and conflict markers."""
    unmerged = git(project, "diff", "--name-only", "--diff-filter=U", "-z").split("\0")
    found = [f"{path} is unmerged" for path in set(unmerged) if path]
    for path, entry in state_of(project).items():
        if path.endswith(".rej"):
            found.append(f"{path} is a reject")
        if any(marker in entry.content for marker in MARKERS):
            found.append(f"{path} has conflict markers")
    return sorted(found)
