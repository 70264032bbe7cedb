"""Inspect an environment: its metadata, the files that they list, and their owners.

Every file is looked at once, none of them is imported, and only one small file of two distributions
that bring the same one is read.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envkeep.environments.distributions import Distribution
from envkeep.environments.integrity import settings
from envkeep.environments.records import (
    MADE_LATER,
    Broken,
    ListedFile,
    Sample,
    distributions_of,
    listed,
    lost,
    sample,
)
from envkeep.files import text_of

LARGEST_READ = 10_000_000  # bytes of a file that tells whose copy is there
OF_UV = ".lock"  # empty, held while uv changes an environment; everybody may write to it


@dataclass(frozen=True)
class Collision:
    """Distributions that bring the same files with different contents.

    Attributes:
        names: Their names.
        files: The files.
        present: Whose copy the example is, or None if that cannot be told.
    """

    names: tuple[str, ...]
    files: Sample
    present: str | None = None


@dataclass(frozen=True)
class InstalledPackages:
    """The contents of an environment.

    Attributes:
        distributions: What could be read.
        broken: Metadata that are not whole.
        lost: The files that are listed and gone, or have another size, by distribution.
        collisions: What several distributions bring.
        writable: Files that everybody may change.
        foreign: Files that belong to another user than the environment should.
        python: The version of Python that the folder of its packages is for, ``major.minor``.
        home: The folder of the Python that it was made with, or None if that cannot be told.
        home_exists: Whether that folder is there.
    """

    distributions: tuple[Distribution, ...] = ()
    broken: tuple[Broken, ...] = ()
    lost: Mapping[str, Sample] = field(default_factory=dict)
    collisions: tuple[Collision, ...] = ()
    writable: Sample = field(default_factory=Sample)
    foreign: Sample = field(default_factory=Sample)
    python: str | None = None
    home: str | None = None
    home_exists: bool = True


def look(environment: Path) -> InstalledPackages:
    """Look at an environment.

    Args:
        environment: Its folder.
    """
    writable, foreign = _unsafe(environment)
    whole, broken = distributions_of(environment)
    records = {each: list(listed(environment, each)) for each in whole}
    home = settings(environment).get("home")
    return InstalledPackages(
        distributions=tuple(whole),
        broken=tuple(broken),
        lost={name: sample(paths) for name, paths in lost(environment, records).items()},
        collisions=tuple(_collisions(records, environment)),
        writable=writable,
        foreign=foreign,
        python=_python(environment),
        home=home,
        home_exists=home is None or Path(home).is_dir(),
    )


def torch_version(environment: Path) -> str | None:
    """Return the version of torch in an environment with its build's label, without importing it.

    A wheel from PyPI bears no label in its metadata; torch itself always knows it.
    """
    own_python = environment.glob("lib/python*/site-packages")
    for folder in (*own_python, environment / "Lib" / "site-packages"):
        own = re.search(r"^__version__ = '([^']+)'", text_of(folder / "torch/version.py"), re.M)
        if own:
            return own[1]
        for metadata in folder.glob("torch-*.dist-info"):
            return metadata.name.removeprefix("torch-").removesuffix(".dist-info")
    return None


def _unsafe(environment: Path) -> tuple[Sample, Sample]:
    """Return the files that everybody may change, and those of another user."""
    unsafe: dict[str, list[str]] = {"writable": [], "foreign": []}
    owner = _expected_owner(environment)
    folders = [""] if owner is not None else []
    while folders:
        folder = folders.pop()
        for entry in _entries(f"{os.fspath(environment)}/{folder}"):
            path = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{path}/")
            if owner is not None:
                _judge(entry, path, owner, unsafe)
    return sample(unsafe["writable"]), sample(unsafe["foreign"])


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _judge(entry: os.DirEntry[str], path: str, owner: int, unsafe: Mapping[str, list[str]]) -> None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:
        return
    if facts.st_uid != owner:
        unsafe["foreign"].append(path)
    if facts.st_mode & stat.S_IWOTH and not stat.S_ISLNK(facts.st_mode) and path != OF_UV:
        unsafe["writable"].append(path)


if sys.platform == "win32":

    def _expected_owner(environment: Path) -> int | None:
        """Return None: Windows keeps permissions in another way."""
        return None

else:

    def _expected_owner(environment: Path) -> int | None:
        """Return the expected owner of the files: this user; for root, the folder's owner."""
        try:
            return os.getuid() or environment.stat().st_uid
        except OSError:
            return None


def _collisions(
    records: Mapping[Distribution, Iterable[ListedFile]], environment: Path
) -> Iterator[Collision]:
    """Yield distributions that bring the same files, unless these are the same bytes."""
    owners: dict[str, list[tuple[str, ListedFile]]] = {}
    for owner, rows in records.items():
        for each in rows:
            owners.setdefault(each.path, []).append((owner.name, each))
    groups: dict[tuple[str, ...], list[list[tuple[str, ListedFile]]]] = defaultdict(list)
    for found in [each for each in owners.values() if len(each) > 1]:
        hashes = {each.sha256 for _, each in found}
        names = tuple(sorted({name for name, _ in found}))
        if len(names) > 1 and len(hashes) > 1 and not found[0][1].path.endswith(MADE_LATER):
            groups[names].append(found)
    for names, several in sorted(groups.items()):
        smallest = min(several, key=lambda found: (found[0][1].size or 0, found[0][1].path))
        path = smallest[0][1].path
        yield Collision(names, Sample(len(several), path), _whose(environment / path, smallest))


def _whose(path: Path, owners: Iterable[tuple[str, ListedFile]]) -> str | None:
    try:
        if path.stat().st_size > LARGEST_READ:
            return None
        digest = hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
    there = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return next((name for name, listed in owners if listed.sha256 == there), None)


def _python(environment: Path) -> str | None:
    """Return the Python version of the packages, from the folder's name or its settings."""
    folders = environment.glob("lib/python*/site-packages")
    named = [folder.parent.name.removeprefix("python") for folder in folders]
    facts = settings(environment)
    stated = facts.get("version_info") or facts.get("version") or ""
    version = next((each for each in named if "." in each), None) or stated
    found = re.match(r"\d+\.\d+", version)
    return found[0] if found else None
