"""Changes between two sides, most severe first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from envkeep.diff.sides import ComparedPackage, Side
from envkeep.project.versions import has_other_major, is_same, version_of

MAJOR, MINOR, PATCH, ADDED, REMOVED = "major", "minor", "patch", "added", "removed"
MOVED, LICENSE, FILES = "moved", "license", "files"


@dataclass(frozen=True)
class VersionFacts:
    """What is known of one version besides its lock; None where it is not.

    Attributes:
        license: What its metadata state.
        size: Bytes of its wheel, or of its files where environments are compared.
        yanked: Why its makers withdrew it, an empty text without a reason; None if they did not.
    """

    license: str | None = None
    size: int | None = None
    yanked: str | None = None


Known = Mapping[tuple[str, str], VersionFacts]


@dataclass(frozen=True)
class LockChange:
    """A package that is not the same on both sides.

    Attributes:
        key: What it is called: its name, for exporters with theirs.
        kinds: What changed, most severe first.
        before: The package as it was, None if it was not there.
        after: The package as it is, None if it is not there.
        was: What is known of the version before.
        now: The same of the version after.
        older: Whether the version went back.
    """

    key: str
    kinds: tuple[str, ...]
    before: ComparedPackage | None
    after: ComparedPackage | None
    was: VersionFacts = field(default_factory=VersionFacts)
    now: VersionFacts = field(default_factory=VersionFacts)
    older: bool = False


def compare_sides(before: Side, after: Side) -> list[LockChange]:
    """Return what changed, without what would have to be asked, in the order of the names."""
    found = []
    for key in sorted(before.packages.keys() | after.packages.keys()):
        old, new = before.packages.get(key), after.packages.get(key)
        kinds = tuple(_kinds(old, new))
        if kinds:
            older = bool(old and new and _is_older(new.version, old.version))
            found.append(LockChange(key, kinds, old, new, older=older))
    return found


def with_facts(found: LockChange, known: Known) -> LockChange:
    """Return a change with what is known of its versions; another license is a change as well."""
    was, now = _facts(found.before, known), _facts(found.after, known)
    differ = was.license and now.license and was.license != now.license
    kinds = (*found.kinds, LICENSE) if differ and LICENSE not in found.kinds else found.kinds
    return LockChange(found.key, kinds, found.before, found.after, was, now, found.older)


def severity(before: str, after: str) -> str:
    """Return which number of a version changed first.

    Before 1.0 the second number counts as the first: a version like that promises nothing.
    """
    old, new = version_of(before), version_of(after)
    if old is None or new is None or has_other_major(before, after):
        return MAJOR
    if old.minor != new.minor:
        return MAJOR if old.major == 0 else MINOR
    return PATCH


def _kinds(old: ComparedPackage | None, new: ComparedPackage | None) -> Iterator[str]:
    if old is None or new is None:
        yield ADDED if old is None else REMOVED
        return
    if not is_same(old.version, new.version):
        yield severity(old.version, new.version)
    elif old.hashes and new.hashes and not old.hashes & new.hashes:
        yield FILES
    if old.layer and new.layer and old.layer != new.layer:
        yield MOVED
    if old.license and new.license and old.license != new.license:
        yield LICENSE


def _is_older(version: str, other: str) -> bool:
    """Tell whether a version comes before another one, whichever builds the two are."""
    one, two = (version_of(each.partition("+")[0]) for each in (version, other))
    return one is not None and two is not None and one < two


def _facts(package: ComparedPackage | None, known: Known) -> VersionFacts:
    if package is None:
        return VersionFacts()
    found = known.get((package.name, package.version), VersionFacts())
    license = package.license or found.license
    size = found.size if package.size is None else package.size
    return VersionFacts(license, size, found.yanked)
