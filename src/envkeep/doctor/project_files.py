"""Inspect the project's own files: data, tracked files, git's hooks, leftovers of commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from envkeep.doctor import secret_scan
from envkeep.doctor.context import DataState, Leftovers, Secret
from envkeep.environments import store
from envkeep.files import sha256_of
from envkeep.inputs import in_ci
from envkeep.lint import git_hooks
from envkeep.paths import DATA_MANIFEST, ENVIRONMENTS, ROOT
from envkeep.project.git import Git, is_tracked


def data(*, hashed: bool) -> DataState | None:
    """Compare the data files with their manifest: by their sizes, or by their contents."""
    if not DATA_MANIFEST.exists():
        return None
    try:
        files = json.loads(DATA_MANIFEST.read_text(encoding="utf-8"))["files"]
        listed = {str(name): (str(row["sha256"]), row.get("bytes")) for name, row in files.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return DataState(damaged=True)
    folder = DATA_MANIFEST.parent
    missing = [name for name in listed if not (folder / name).is_file()]
    changed = [
        name
        for name in listed.keys() - set(missing)
        if _is_other(folder / name, *listed[name], hashed=hashed)
    ]
    return DataState(len(listed), tuple(sorted(missing)), tuple(sorted(changed)), hashed=hashed)


def secrets() -> tuple[Secret, ...] | None:
    """Return the secrets in tracked files, or None if git cannot be asked."""
    if not is_tracked(ROOT):
        return None
    tracked = Git(ROOT).paths("ls-files", "-z", "--cached")
    return tuple(secret_scan.scan(ROOT, tracked))


def deleted(folder: Path) -> tuple[str, ...]:
    """Return the files of a folder that git has and the disk lacks."""
    if not is_tracked(ROOT):
        return ()
    return tuple(Git(ROOT).paths("ls-files", "-z", "--deleted", "--", str(folder)))


def lacks_hooks() -> bool:
    """Tell whether git could run the project's checks at a commit, and does not."""
    return not in_ci() and bool(shutil.which("git")) and git_hooks.are_missing()


def leftovers() -> Leftovers:
    """Return the leftovers of killed commands in ``.venvs``."""
    if not ENVIRONMENTS.is_dir():
        return Leftovers()
    half = sorted(store.half_made())
    facts = sorted(ENVIRONMENTS.glob(f"*/{store.FACTS}"))
    moved = [each.parent.name for each in facts if store.load(each.parent.name) is None]
    return Leftovers(tuple(half), tuple(moved), busy=bool(half) and store.in_use())


def _is_other(path: Path, sha256: str, size: object, *, hashed: bool) -> bool:
    if isinstance(size, int) and path.stat().st_size != size:
        return True
    if not hashed:
        return False
    return sha256_of(path) != sha256
