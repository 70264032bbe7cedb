"""Where torch's wheels lie: one place for all projects of a user.

uv unpacks a wheel once for each folder that it is taken from, so a folder in each project would
cost its size again each time. Builds, Pythons, platforms and indexes have folders of their own: no
lock takes its hashes from what another index gave. ``projects`` in a folder names who uses it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path

from envkeep.files import sha256_of
from envkeep.locks.torch_builds import TorchBuild
from envkeep.paths import LAUNCHER, LOCKS, ROOT, WHEELS
from envkeep.process import say
from envkeep.project.metadata import python_version

FOR_ALL_PROJECTS = Path("ai-project-template", "torch-wheels")
PROJECTS = "projects"
IN_USE = "in-use"
FRESH = "new"
A_DAY = 24 * 60 * 60  # seconds in which a project that uses a wheel may not have locked it yet
PATIENCE = 0.5


def top() -> Path:
    """Return where the folders are: where ``TORCH_WHEELS`` says, or with what the user caches.

    Where that cannot be written to, they are in the project.
    """
    named = os.environ.get("TORCH_WHEELS")
    if named:
        return ROOT / Path(named).expanduser()
    cache = _cache_of_user()
    return cache / FOR_ALL_PROJECTS if cache and _is_writable(cache) else WHEELS


def of(build: TorchBuild) -> Path:
    """Return the folder of one build from one index for this project's Python."""
    index = str((ROOT / build.index).resolve()) if build.is_folder else build.index
    anybodys = re.sub(r"(?<=://)[^/@]*@", "", index)  # names and passwords are each user's own
    digest = hashlib.sha256(anybodys.encode()).hexdigest()[:8]
    version, machine = f"{build.version}-python-{python_version()}", build.target.platform
    return top() / f"torch-{version}-{machine}-{digest}"


def before(build: TorchBuild) -> Path:
    """Return the folder in the project where former tools kept a build."""
    return WHEELS / f"torch-{build.version}-python-{python_version()}"


def register(folder: Path) -> None:
    """Note that this project uses a folder, as far as it may be written to."""
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    with suppress(OSError):
        (folder / PROJECTS).mkdir(parents=True, exist_ok=True)
        (folder / PROJECTS / name).write_text(str(ROOT), encoding="utf-8")


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield a folder whose wheels all move into place at the end; other projects wait."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / FRESH
    with _only_here(folder):
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            yield fresh
            for wheel in fresh.glob("*.whl"):
                wheel.replace(folder / wheel.name)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def unneeded() -> list[Path]:
    """Return the folders whose wheels no project needs: not this one, nor another that is there."""
    kept = top()
    places = {kept, WHEELS}
    found = [path for place in places for path in place.glob("torch-*-python-*") if path.is_dir()]
    old = [path for path in found if path.parent != kept]
    shared = [path for path in found if path.parent == kept and (path / PROJECTS).is_dir()]
    return sorted([*old, *(path for path in shared if not _is_needed(path))])


@contextmanager
def _only_here(folder: Path) -> Iterator[None]:
    """Keep other commands from filling a folder meanwhile, wherever there are locks."""
    from filelock import FileLock, Timeout  # most commands lock nothing

    lock = FileLock(folder / IN_USE, poll_interval=PATIENCE)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"Another command brings wheels into {folder}: waiting for it.")
        lock.acquire()
    except OSError as error:
        if error.errno != errno.ENOLCK:  # then the same wheels are fetched twice at worst
            raise
    try:
        yield
    finally:
        lock.release()


def _is_needed(folder: Path) -> bool:
    hashes = {sha256_of(path) for path in folder.glob("*.whl")}
    return any(_needs(each, hashes) for each in (folder / PROJECTS).iterdir())


def _needs(entry: Path, hashes: Set[str]) -> bool:
    """Tell whether the project that an entry names is there and its locks name one of the hashes.

    What cannot be known counts as needed: another user's project, or one that locks right now.
    """
    try:
        project, made = Path(entry.read_text(encoding="utf-8")), entry.stat()
        if made.st_uid != getattr(os, "getuid", int)():  # Windows tells no numbers: all are 0
            return True
        if not any((project / name).exists() for name in (LAUNCHER.name, "tools")):
            return False
        locks = [path.read_text(encoding="utf-8") for path in _locks_of(project)]
    except (OSError, ValueError):
        return True
    is_recent = project != ROOT and time.time() - made.st_mtime < A_DAY
    return is_recent or any(digest in text for text in locks for digest in hashes)


def _locks_of(project: Path) -> Iterator[Path]:
    return (project / LOCKS.relative_to(ROOT)).rglob("*.txt")


def _cache_of_user() -> Path | None:
    """Return the user's cache folder."""
    named = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", "")
    try:
        if platform.system() == "Darwin":
            return Path.home() / "Library" / "Caches"
        return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # nobody knows where the user is at home
        return None


def _is_writable(folder: Path) -> bool:
    """Tell whether a folder may be made, or be written to."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
