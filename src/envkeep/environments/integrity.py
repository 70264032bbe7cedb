"""Check the integrity of an environment: its Python, its packages, every file of them.

Nothing in it is imported, and nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from envkeep.environments import records
from envkeep.environments.distributions import (
    BY_CONDA,
    DIST_INFO,
    Distribution,
    installer_of,
    metadata_folders,
    packages_folder,
    read,
)
from envkeep.errors import ToolError
from envkeep.files import text_of
from envkeep.locks import lockfile
from envkeep.paths import ROOT, python
from envkeep.process import run
from envkeep.project.versions import is_same

MOST_NAMED = 3
PATIENCE = 10  # seconds
SAY_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:3])))"


class NotWholeError(ToolError):
    """Files are missing or truncated although the installation succeeded.

    Attributes:
        names: The packages.
    """

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        self.names = tuple(names)


@dataclass(frozen=True)
class Problem:
    """The damage of an environment.

    Attributes:
        text: The end of a sentence about it.
        breaks: Whether programs cannot be expected to run in it.
    """

    text: str
    breaks: bool = True


@dataclass(frozen=True)
class Drift:
    """The differences of an environment's packages from the locked ones, in words.

    Attributes:
        missing: Those that are not there.
        other: Those of another version.
        added: Those that no lock has.
    """

    missing: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def locked(locks: Iterable[Path]) -> dict[str, str]:
    """Return what locks say by package: its version, or an empty text for an address."""
    entries = (each for path in locks for each in lockfile.parse_lock(text_of(path)))
    return {each.name: each.version for each in entries}


def drift(there: Iterable[Distribution], wanted: Mapping[str, str], own: Collection[str]) -> Drift:
    """Compare what is installed with what is locked.

    Args:
        there: The distributions.
        wanted: The locked versions by name, an empty text for an address.
        own: The names of the project itself, which no lock has.
    """
    found = {each.name: each for each in there}
    known = {*wanted, *own}
    return Drift(
        missing=tuple(sorted(wanted.keys() - found.keys())),
        other=tuple(
            f"{name} {found[name].version} (locked: {version})"
            for name, version in sorted(wanted.items())
            if version and name in found and not is_same(found[name].version, version)
        ),
        added=tuple(
            f"{name} {each.version}"
            for name, each in sorted(found.items())
            if name not in known and not _is_apart(each)
        ),
    )


def problem(
    folder: Path,
    version: str,
    wanted: Mapping[str, str] | None,
    own: Collection[str] = (),
    *,
    every_file: bool,
) -> Problem | None:
    """Return the most severe problem of an environment, or None.

    Args:
        folder: The environment.
        version: The version of its Python, ``major.minor``.
        wanted: The locked versions by name; None if it was made from other locks than there are.
        own: The names of the project itself, which no lock has.
        every_file: Look at every file and not only, in milliseconds, at the top of each package.
    """
    of_python = problem_with_python(folder, version)
    if of_python and of_python.breaks:
        return of_python
    found = Drift() if wanted is None else drift(_by_name(folder, wanted), wanted, own)
    if found.missing:
        return Problem(f"it lacks {named(found.missing)}")
    if not_whole := _not_whole(folder)[0] if every_file else _without_top(folder):
        return Problem(not_whole)
    if found.other:
        return Problem(f"it has other versions than the locks: {named(found.other)}", breaks=False)
    if found.added:
        return Problem(f"it has {named(found.added)}, which no lock has", breaks=False)
    return of_python


def problem_with_python(folder: Path, version: str) -> Problem | None:
    """Return why the Python of an environment is not the one that it was made with, or None."""
    interpreter, home = python(folder), settings(folder).get("home")
    if not interpreter.exists() or (home and not Path(home).is_dir()):
        return Problem(f"its Python is gone{f' from {home}' if home else ''}")
    now = run([interpreter, "-I", "-S", "-c", SAY_VERSION], mode="probe", timeout=PATIENCE).answer
    if not now:
        return Problem("its Python does not start")
    if not now.startswith(f"{version}."):
        return Problem(f"its Python was {version} and is {now} now")
    then = version_of_python(folder)
    if then and then != now:
        return Problem(f"its Python was {then} and is {now} now", breaks=False)
    return None


def require_whole(folder: Path) -> None:
    """Look at every file that was installed.

    Raises:
        NotWholeError: A file is gone or cut off.
    """
    not_whole, names = _not_whole(folder)
    if not_whole:
        raise NotWholeError(f"{not_whole}, after the installation; run the command again", names)


def require_locked(folder: Path, locks: Iterable[Path]) -> None:
    """Compare what was installed with the locks.

    Raises:
        ToolError: A package is missing, or has another version.
    """
    wanted = locked(locks)
    found = drift(_by_name(folder, wanted), wanted, ())
    if wrong := (*found.missing, *found.other):
        raise ToolError(
            f"{named(wrong)} of the locks did not come with the installation; run the command again"
        )


def settings(folder: Path) -> dict[str, str]:
    """Return what an environment's ``pyvenv.cfg`` says."""
    text = text_of(folder / "pyvenv.cfg")
    return dict(re.findall(r"^([\w-]+)\s*=\s*(.*?)\s*$", text, re.MULTILINE))


def version_of_python(folder: Path) -> str | None:
    """Return the version of the Python that an environment was made with, such as ``3.12.4``."""
    stated = settings(folder).get("version_info") or settings(folder).get("version") or ""
    found = re.match(r"\d+\.\d+\.\d+", stated)  # what follows is spelled in many ways
    return found[0] if found else None


def named(names: Sequence[str]) -> str:
    """Return the first names and the number of the others."""
    rest = len(names) - MOST_NAMED
    if rest > 0:
        return f"{', '.join(names[:MOST_NAMED])} and {rest} more"
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def counted(number: int) -> str:
    """Return a number of files in words."""
    return f"{number} file{'' if number == 1 else 's'}"


def _is_apart(found: Distribution) -> bool:
    """Tell whether no lock has a distribution as it is conda's, or is built from this project."""
    return found.installer == BY_CONDA or found.origin.startswith(ROOT.as_uri())


def _by_name(folder: Path, wanted: Mapping[str, str]) -> list[Distribution]:
    """Return the distributions by the names of their folders; those not as locked are read."""
    found = []
    for path in metadata_folders(folder):
        name, _, version = path.name.removesuffix(DIST_INFO).rpartition("-")
        quick = Distribution(canonicalize_name(name), version, path)
        as_locked = is_same(version, wanted.get(quick.name, ""))
        found.append(quick if as_locked else read(path) or quick)
    return found


def _not_whole(folder: Path) -> tuple[str, list[str]]:
    """Return missing and truncated files as the start of a sentence, and their packages."""
    broken = records.distributions_of(folder)[1]
    broken = [each for each in broken if not each.by_its_makers]
    if broken := [each for each in broken if not _is_of_conda(folder, each.name)]:
        names = [each.name.removesuffix(DIST_INFO).rpartition("-")[0] for each in broken]
        return f"{broken[0].name} {broken[0].problem}", names
    lost = records.lost_of(folder)
    if not lost:
        return "", []
    parts = [f"{counted(len(paths))} of {name}" for name, paths in sorted(lost.items())]
    example = min(path for paths in lost.values() for path in paths)
    return f"{named(parts)} gone or not whole, such as {example}", sorted(lost)


def _is_of_conda(folder: Path, name: str) -> bool:
    packages = packages_folder(folder)
    return packages is not None and installer_of(packages / name) == BY_CONDA


def _without_top(folder: Path) -> str:
    found = [
        name.removesuffix(DIST_INFO)
        for name in records.without_top(folder)
        if not _is_of_conda(folder, name)
    ]
    return f"files of {named(found)} are gone" if found else ""
