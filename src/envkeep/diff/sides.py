"""The sides of a comparison: locks of a commit, of a folder or of now, or an environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from envkeep import temporary
from envkeep.audit import licenses
from envkeep.environments import distributions, store
from envkeep.environments.distributions import RECORD, Distribution
from envkeep.environments.store import DEVELOPMENT, PRODUCTION
from envkeep.errors import ToolError
from envkeep.locks import lockfile
from envkeep.locks.lock_set import Locks
from envkeep.paths import LOCKS, ORDER, REQUIREMENTS, ROOT, shown
from envkeep.project.git import Git
from envkeep.project.metadata import own_names
from envkeep.project.named_environments import FOLDER
from envkeep.project.requirements import EXPORTERS, PRODUCTION_LAYERS, layers, layers_of
from envkeep.project.target import Target

NOW = "now"


@dataclass(frozen=True)
class ComparedPackage:
    """A package of one side.

    Attributes:
        name: Its name.
        version: Its version; where an address is locked instead, the address.
        layer: Where it is locked; an empty text for one that is installed.
        hashes: The files that may be installed, each as ``sha256:...``.
        license: What its metadata state, None if they are not at hand.
        size: Bytes of its files if it is installed.
    """

    name: str
    version: str
    layer: str = ""
    hashes: frozenset[str] = frozenset()
    license: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class Side:
    """One of two things that are compared.

    Attributes:
        title: What messages call it.
        packages: Its packages by name; those locked alone by ``exporters/NAME: PACKAGE``.
        installed: Whether it is an environment.
        filled_from: The locks that environments of its kind are filled from; nothing means all.
    """

    title: str
    packages: dict[str, ComparedPackage] = field(default_factory=dict)
    installed: bool = False
    filled_from: tuple[str, ...] = ()


def read_sides(one: str, other: str, target: Target) -> tuple[Side, Side]:
    """Return two sides; of locks that are compared with an environment, what it is filled from.

    Args:
        one: ``now``, the name of an environment in ``.venvs``, a folder of locks, or a git ref.
        other: The same of the other side.
        target: Whose locks are meant where there are several.

    Raises:
        ToolError: The name means none of these, or there are no locks of the target.
    """
    before = read_side(one, target)
    after = read_side(other, target, before.filled_from)
    if after.filled_from and not before.installed:
        before = read_side(one, target, after.filled_from)
    return before, after


def read_side(name: str, target: Target, only: Sequence[str] = ()) -> Side:
    """Resolve the name of a side.

    Args:
        name: As for ``pair``.
        target: Whose locks are meant where there are several.
        only: Which locks count: layers, or one exporter; by default all.

    Raises:
        ToolError: The name means none of these, or there are no locks of the target.
    """
    plain = "/" not in name and name not in ("", ".", "..")
    if plain and (environment := store.load(name)):
        kinds = {DEVELOPMENT.name: layers(), PRODUCTION.name: PRODUCTION_LAYERS}
        filled = kinds.get(environment.kind, (environment.kind,))
        packages = _installed(environment.folder)
        return Side(f"environment {name}", packages, installed=True, filled_from=filled)
    if name == NOW:
        return Side("the locks as they are", _locked(Locks(target).folder, REQUIREMENTS, only))
    if folder := _folder(Path(name), target):
        return Side(f"the locks in {shown(folder)}", _locked(folder, folder, only))
    return _committed(name, target, only)


def _folder(path: Path, target: Target) -> Path | None:
    """Return the folder of locks that a path means: itself, or the target's in it."""
    for folder in (path, path / target.name):
        if any(folder.glob("[0-9]*.txt")):
            return folder
    return None


def _committed(name: str, target: Target, only: Sequence[str]) -> Side:
    git = Git(ROOT)
    commit = git.commit(name)
    if not commit:
        raise ToolError(
            f"{name} is neither a commit, nor a folder of locks, nor an environment: `git log "
            "--oneline` and `make environments` list what there is."
        )
    locks = f"{shown(LOCKS)}/{target.name}"
    listed = ("ls-tree", "-r", "-z", "--name-only", commit, "--", locks, shown(ORDER))
    paths = [path for path in git.paths(*listed) if path.endswith(".txt")]
    with temporary.folder() as copy:
        for path in paths:
            place = copy / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(git.output("show", f"{commit}:./{path}"))
        folder = copy / locks
        if not any(folder.glob("[0-9]*.txt")):
            raise ToolError(f"the commit {name} has no locks for {target.name}.")
        found = _locked(folder, copy / shown(REQUIREMENTS), only)
    return Side(f"{name} ({commit[:9]})", found)


def _locked(folder: Path, top: Path, only: Sequence[str]) -> dict[str, ComparedPackage]:
    """Return what locks say: a package in several layers belongs to the first of them."""
    alone = [
        f"{path.parent.name}/{path.stem}"
        for kind in (EXPORTERS, FOLDER)
        for path in sorted(folder.glob(f"{kind}/*.txt"))
    ]
    there = (*layers_of(folder, top), *alone)
    found: dict[str, ComparedPackage] = {}
    for name in [each for each in there if not only or each in only]:
        apart = f"{name}: " if name in alone and not only else ""
        for package in _entries(folder / f"{name}.txt", name):
            found.setdefault(f"{apart}{package.name}", package)
    if not found:
        raise ToolError(f"{shown(folder)} has no locks; run `make lock` first.")
    return found


def _entries(path: Path, layer: str) -> Iterator[ComparedPackage]:
    for entry in lockfile.parse_lock(path.read_text(encoding="utf-8")):
        version = entry.version or entry.address
        yield ComparedPackage(entry.name, version.strip(), layer, entry.hashes)


def _installed(environment: Path) -> dict[str, ComparedPackage]:
    own = own_names()
    return {
        each.name: ComparedPackage(
            each.name,
            each.version,
            license=licenses.license_of(distributions.metadata(each.folder)),
            size=_size(each),
        )
        for each in distributions.installed(environment)
        if each.name not in own
    }


def _size(found: Distribution) -> int | None:
    """Return how many bytes a distribution's own list of its files states."""
    try:
        lines = (found.folder / RECORD).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    sizes = (line.rpartition(",")[2] for line in lines)
    return sum(int(size) for size in sizes if size.isdecimal())
