"""Apply an update to the project: all of it, or nothing."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from envkeep.errors import ToolError
from envkeep.project.git import Git, TreeEntry
from envkeep.updates.merge import MergedPath
from envkeep.updates.preflight import status

LINK = "120000"
EXECUTABLE = "100755"


def tree_of(changed: Sequence[MergedPath], yours: str, bench: Git) -> str:
    """Return the name of the tree that the project will have.

    Args:
        changed: The paths that the update changes.
        yours: The name of the tree that the project has.
        bench: A repository that knows all contents.

    Raises:
        ToolError: git failed.
    """
    index = str(bench.folder / ".git" / "result")
    bench.output("read-tree", yours, GIT_INDEX_FILE=index)
    lines = [_index_line(each.path, each.result) for each in changed]
    given = os.fsencode("".join(lines))
    bench.output("update-index", "-z", "--index-info", given=given, GIT_INDEX_FILE=index)
    return bench.output("write-tree", GIT_INDEX_FILE=index).decode().strip()


def in_the_way(project: Git, path: MergedPath) -> bool:
    """Tell whether a file that git does not know lies where the update would add another one."""
    place = project.folder / path.path
    if path.yours or not path.result or not os.path.lexists(place):
        return False
    return not _is(place, path.result, project)


def place(project: Git, patch: bytes, changed: Sequence[MergedPath]) -> None:
    """Write an update into the project and prove that it is what was merged.

    Args:
        project: Git in the project's folder.
        patch: The update as a patch.
        changed: The paths that it changes.

    Raises:
        ToolError: the update could not be written; the project is as it was.
    """
    fresh = [each for each in changed if not os.path.lexists(project.folder / each.path)]
    prefix = project.text("rev-parse", "--show-prefix")
    command = ("apply", "--binary", "--whitespace=nowarn", f"--directory={prefix}", "-")
    try:
        project.output(*command, given=patch)
        _prove(project, changed)
    except BaseException:
        with _undisturbed():
            _restore(project, changed, fresh)
        raise


def _prove(project: Git, changed: Sequence[MergedPath]) -> None:
    wrong = [
        each.path for each in changed if not _is(project.folder / each.path, each.result, project)
    ]
    expected = {each.path for each in changed}
    wrong += [path for path in status(project) if path not in expected and not _is_record(path)]
    if wrong or project.text("ls-files", "--unmerged", "--", "."):
        raise ToolError(
            f"the update was not written as it was merged ({', '.join(wrong) or 'unmerged'}), "
            "so it was undone."
        )


def _is_record(path: str) -> bool:
    return path.startswith(".cache/")


def _is(place: Path, entry: TreeEntry | None, project: Git) -> bool:
    """Tell whether a file on disk is what git records as an entry."""
    if not entry:
        return not os.path.lexists(place)
    if not os.path.lexists(place) or place.is_symlink() != (entry.mode == LINK):
        return False
    if entry.mode == LINK:
        content = os.fsencode(place.readlink())
        return (
            project.output("hash-object", "--stdin", given=content).decode().strip() == entry.blob
        )
    if place.is_dir():
        return False
    path = place.relative_to(project.folder).as_posix()
    if project.text("hash-object", "--", path) != entry.blob:
        return False
    has_modes = project.says("config", "--bool", "core.fileMode") != "false"
    return not has_modes or os.access(place, os.X_OK) == (entry.mode == EXECUTABLE)


def _restore(project: Git, changed: Sequence[MergedPath], fresh: Sequence[MergedPath]) -> None:
    """Restore the committed state of the project.

    Raises:
        ToolError: a file could not be brought back.
    """
    for each in fresh:
        if not each.yours:
            (project.folder / each.path).unlink(missing_ok=True)
            _remove_empty_folders(project, (project.folder / each.path).parent)
    known = "".join(f"{each.path}\0" for each in changed if each.yours)
    project.run("checkout-index", "--force", "-z", "--stdin", given=os.fsencode(known))
    project.run("update-index", "-q", "--refresh")
    left = [path for path in status(project) if not _is_record(path)]
    if left:
        raise ToolError(
            f"the update could not be undone completely: {', '.join(left)}; "
            "`git restore .` brings back what was committed."
        )


def _remove_empty_folders(project: Git, folder: Path) -> None:
    with suppress(OSError):
        while folder != project.folder:
            folder.rmdir()
            folder = folder.parent


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore interrupts during a restore; only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _index_line(path: str, entry: TreeEntry | None) -> str:
    return f"{entry.mode} {entry.blob}\t{path}\0" if entry else f"0 {'0' * 40}\t{path}\0"
