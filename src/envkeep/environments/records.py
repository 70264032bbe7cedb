"""Compare the files that distributions list with those in an environment."""

from __future__ import annotations

import csv
import json
import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

from envkeep.environments.distributions import (
    BY_CONDA,
    DIST_INFO,
    METADATA,
    RECORD,
    Distribution,
    metadata_folders,
    packages_folder,
    read,
)
from envkeep.files import text_of

MADE_LATER = (".pyc", ".pyo")  # Python writes them when it likes, and they may be deleted
CACHE = "__pycache__"
SAME = "sha256="
FAULTY = "faulty-wheels.json"
"""What of an environment is not as listed because its wheels are so: sizes by path."""
UNINSTALLING = "~"  # what pip's names of folders begin with that an interruption leaves behind


@dataclass(frozen=True)
class Sample:
    """Some files, one of them by name, relative to the environment."""

    count: int = 0
    example: str = ""


@dataclass(frozen=True)
class Broken:
    """A distribution with incomplete metadata.

    Attributes:
        name: The name of its folder.
        problem: What is wrong, as the end of a sentence.
        by_its_makers: Whether the package came so, and an installation cannot help it.
    """

    name: str
    problem: str
    by_its_makers: bool = False


class ListedFile(NamedTuple):
    """A line of a RECORD; there are tens of thousands of them."""

    path: str
    sha256: str
    size: int | None


def distributions_of(environment: Path) -> tuple[list[Distribution], list[Broken]]:
    """Return the readable distributions, and the incomplete metadata."""
    whole, broken = [], list(_leftovers(environment))
    for folder in metadata_folders(environment):
        found = read(folder)
        if problem := _lost_metadata(folder):
            broken.append(Broken(folder.name, problem))
        elif problem := _odd_metadata(folder, found):
            broken.append(Broken(folder.name, problem, by_its_makers=True))
        if found:
            whole.append(found)
    versions = Counter(each.name for each in whole)
    broken += [
        Broken(each.folder.name, f"is one of {versions[each.name]} that {each.name} has")
        for each in whole
        if versions[each.name] > 1
    ]
    return whole, broken


def listed(environment: Path, found: Distribution) -> Iterator[ListedFile]:
    """Yield what a distribution lists, relative to the environment."""
    try:
        lines = (found.folder / RECORD).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    folder = found.folder.parent.relative_to(environment).as_posix()
    for line in lines:
        row = next(csv.reader([line])) if '"' in line else line.rsplit(",", 2)
        if len(row) != 3:  # path, hash, size
            continue
        path = f"{folder}/{row[0]}".replace("\\", "/")
        yield ListedFile(
            posixpath.normpath(path) if "/." in path else path,
            row[1].removeprefix(SAME),
            int(row[2]) if row[2].isdecimal() else None,
        )


def lost(
    environment: Path, records: Mapping[Distribution, Iterable[ListedFile]]
) -> dict[str, dict[str, int | None]]:
    """Return each distribution's missing or truncated files, with their actual sizes.

    Of a file that two distributions bring, the size that one of them lists is right. What conda
    installed is its own affair: it rewrites files, and not what they list. Of the metadata only the
    files that installers need are looked at: makers of wheels change others after listing them.
    """
    faulty = _faulty(environment)
    found: dict[str, dict[str, int | None]] = {}
    for owner, rows in records.items():
        for path, _, size in () if owner.installer == BY_CONDA else rows:
            there = _size(f"{environment}/{path}")
            if there is not None and (size in (None, there) or f"{DIST_INFO}/" in path):
                continue
            is_faulty = path in faulty and faulty[path] == there
            if not is_faulty and not path.endswith(MADE_LATER):
                found.setdefault(owner.name, {})[path] = there
    if not found:
        return found
    claimed = {(each.path, each.size) for rows in records.values() for each in rows}
    own = {
        name: {
            path: size
            for path, size in paths.items()
            if size is None or (path, size) not in claimed
        }
        for name, paths in found.items()
    }
    return {name: paths for name, paths in own.items() if paths}


def lost_of(environment: Path) -> dict[str, dict[str, int | None]]:
    """Return the lost files of the distributions in an environment; see ``lost``."""
    there = distributions_of(environment)[0]
    return lost(environment, {each: list(listed(environment, each)) for each in there})


def sample(paths: Iterable[str]) -> Sample:
    """Return how many files there are, and the first of them."""
    found = sorted(paths)
    return Sample(len(found), found[0] if found else "")


def without_top(environment: Path) -> list[str]:
    """Return the names of metadata folders of which something at the top of the packages is gone.

    In contrast to looking at every file it takes milliseconds.
    """
    packages = packages_folder(environment)
    if packages is None:
        return []
    names = set(os.listdir(packages))  # noqa: PTH208 - strings alone are wanted
    gone = []
    for folder in sorted(name for name in names if name.endswith(DIST_INFO)):
        missing = _tops(packages / folder / RECORD) - names
        if any(not (packages / name).exists() for name in missing):  # the disk may be case-blind
            gone.append(folder)
    return gone


def _tops(record: Path) -> set[str]:
    """Return the first parts of the paths in a RECORD; the RECORD itself if it cannot be read."""
    try:
        lines = record.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {f"{record.parent.name}/{record.name}"}
    rows = (next(csv.reader([line])) if '"' in line else line.split(",", 1) for line in lines)
    paths = (row[0].replace("\\", "/") for row in rows if row)
    tops = {path.partition("/")[0] for path in paths if not path.endswith(MADE_LATER)}
    return tops - {"", ".", "..", CACHE}


def _faulty(environment: Path) -> Mapping[str, int | None]:
    try:
        found: dict[str, int | None] = json.loads(text_of(environment / FAULTY) or "{}")
    except ValueError:
        return {}
    return found


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - an environment has 25,000 files
    except OSError:
        return None


def _lost_metadata(folder: Path) -> str:
    """Return the missing part of a folder of metadata, or nothing."""
    for name in (METADATA, RECORD):
        try:
            size = (folder / name).stat().st_size
        except FileNotFoundError:
            return f"has no {name}"
        except OSError:
            return f"has a {name} that cannot be read"
        if size == 0:
            return f"has an empty {name}"
    return ""


def _odd_metadata(folder: Path, found: Distribution | None) -> str:
    """Return the fault of a complete folder of metadata, or nothing."""
    for name in (METADATA, RECORD):
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return f"has a {name} that cannot be read"
        if not text.strip():
            return f"has an empty {name}"
    if found is None:
        return f"has a {METADATA} without name or version"
    stated = canonicalize_name(folder.name.removesuffix(DIST_INFO).rpartition("-")[0])
    return f"holds the metadata of {found.name}" if stated != found.name else ""


def _leftovers(environment: Path) -> Iterator[Broken]:
    for packages in {folder.parent for folder in metadata_folders(environment)}:
        for path in sorted(packages.glob(f"{UNINSTALLING}*")):
            yield Broken(path.name, "was left behind by an uninstall that was interrupted")
