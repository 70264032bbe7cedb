"""Delete what the project no longer needs: environments, tools, wheels, staged changes."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkeep import temporary
from envkeep.bisect.log import BisectLog
from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.files import in_words, own_size_of, size_of
from envkeep.locks import wheel_folders
from envkeep.paths import BISECTIONS, ENVIRONMENTS, TREE, shown
from envkeep.process import run as run_program
from envkeep.project.metadata import python_version
from envkeep.result import Result
from envkeep.staging import staged
from envkeep.toolchain import pinned_tools
from envkeep.toolchain.interpreters import FROM_CONDA

HELP = "delete what nobody needs, never what is active; --keep 3 and --dry-run choose"
NOTHING = "There is nothing to delete."
KEPT = 3
PATIENCE = 5  # seconds
AN_HOUR = 60 * 60
UNPACKED = re.compile(r"envkeep-[0-9a-f]{12}")
SIZE_OF_CACHE = ("cache", "size", "--preview-features", "cache-size")


@dataclass(frozen=True)
class Unneeded:
    """A folder that nobody needs, and why."""

    folder: Path
    why: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--keep", type=int, default=KEPT, metavar="N", help=f"how many stay; {KEPT} by default"
    )
    parser.add_argument("--dry-run", action="store_true", help="only list them, with their sizes")


def run(arguments: argparse.Namespace) -> Result:
    """Delete, and return what was deleted.

    Raises:
        ToolError: The number is below 1.
    """
    if arguments.keep < 1:
        raise ToolError("--keep must be 1 or more: the active environment always stays.")
    if not ENVIRONMENTS.exists():
        return Result(_data([], 0, dry_run=arguments.dry_run), [NOTHING])
    rows: list[dict[str, Any]] = []
    freed = 0
    with nullcontext() if arguments.dry_run else store.exclusive():
        for each in _found(arguments.keep, left=arguments.dry_run):
            size, alone = size_of(each.folder), own_size_of(each.folder)
            if not arguments.dry_run:
                _delete(each.folder)
            rows.append({"folder": shown(each.folder), "size": size, "why": each.why})
            freed += alone
    doing = "would delete" if arguments.dry_run else "deleted"
    lines = [f"{doing} {row['folder']}, {in_words(row['size'])}: {row['why']}" for row in rows]
    size = sum(row["size"] for row in rows)
    lines += [_sum(size, freed, dry_run=arguments.dry_run), *_uvs_cache()]
    return Result(_data(rows, freed, dry_run=arguments.dry_run), lines)


def _data(rows: list[dict[str, Any]], freed: int, *, dry_run: bool) -> dict[str, Any]:
    return {"folders": rows, "freed": freed, "dry_run": dry_run}


def _found(kept: int, *, left: bool) -> list[Unneeded]:
    """Return what nobody needs.

    Args:
        kept: How many environments of each kind stay.
        left: Also what the next command removes that changes something.
    """
    old = store.superfluous(kept)
    half = store.half_made()
    found = [
        Unneeded(each, "half-made" if each.name in half else f"older than the last {kept} in use")
        for each in old
    ]
    found += [Unneeded(each, "tools of another lock") for each in _tools(old)]
    found += [Unneeded(each, "another envkeep than runs") for each in _unpacked()]
    found += [Unneeded(each, "no project here needs it") for each in wheel_folders.unneeded()]
    gone = {each.name for each in old}
    found += [Unneeded(each, "staged, without environment") for each in staged.unusable(gone)]
    found += [
        Unneeded(each, "a bisection that has ended")
        for each in sorted(BISECTIONS.glob("*/"))
        if BisectLog(each).has_ended()
    ]
    if left and not store.in_use():
        trees = [TREE] if TREE.exists() else []
        found += [
            Unneeded(each, "left by a killed command") for each in (*temporary.left(), *trees)
        ]
    return found


def _tools(going: list[Path]) -> Iterator[Path]:
    """Yield the environments of tools, and Pythons, of which no other environment is made."""
    found = [path for each in pinned_tools.ALL if each.lock.exists() for path in each.superseded()]
    others = ENVIRONMENTS.glob(f"{FROM_CONDA}*")
    found += [path for path in others if path.name != f"{FROM_CONDA}{python_version()}"]
    staying = [path for path in ENVIRONMENTS.iterdir() if path not in (*going, *found)]
    homes = "".join(_home(path) for path in staying)
    yield from (path for path in found if str(path) not in homes)


def _unpacked() -> Iterator[Path]:
    """Yield what `keep.py` unpacked from other wheels, or left half-unpacked."""
    for path in sorted(ENVIRONMENTS.glob("envkeep-*")):
        is_whole = UNPACKED.fullmatch(path.name) and (path / pinned_tools.COMPLETE).exists()
        if is_whole and str(path) not in sys.path and not path.is_symlink():
            yield path
    for path in sorted(ENVIRONMENTS.glob("unpacking-*")):
        if time.time() - path.stat().st_mtime > AN_HOUR:
            yield path


def _home(folder: Path) -> str:
    """Return what an environment says about the Python that it was made of."""
    try:
        return (folder / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return ""


def _delete(folder: Path) -> None:
    if folder.parent == ENVIRONMENTS:
        store.delete(folder)
    else:
        shutil.rmtree(folder)


def _sum(size: int, freed: int, *, dry_run: bool) -> str:
    if not size:
        return NOTHING
    would = "would be" if dry_run else "were"
    others = "" if freed == size else "; uv's cache or environments have the rest as well"
    return f"{in_words(freed)} {would} freed{others}."


def _uvs_cache() -> Iterator[str]:
    """Yield the size of uv's shared cache, and the command that cleans it."""
    uv = pinned_tools.TOOLCHAIN.there("uv")
    if uv:
        size = run_program([uv, *SIZE_OF_CACHE], mode="probe", timeout=PATIENCE).answer
        holds = f" has {in_words(int(size))}" if size.isdecimal() else ""
        yield (
            f"uv's cache{holds}, for all projects: `{shown(uv)} cache prune` deletes what uv itself"
            " needs no more."
        )
