"""Parse the output of pip-compile or uv, and write locks in one form.

So a lock is the same bytes whichever of the two made it, and on whichever machine.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkeep.project.requirements import exact_version, requirement_of

if TYPE_CHECKING:
    from packaging.requirements import Requirement

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class LockEntry:
    """One package of a lock.

    Attributes:
        requirement: ``name==version`` or ``name @ address``.
        hashes: The files that may be installed, each as ``sha256:...``.
        files: The requirements files that ask for it.
        parents: The packages that ask for it.
    """

    requirement: str
    hashes: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    parents: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Normalized name of the package, or the whole text if it is a folder or a file."""
        return canonicalize_name(self._parsed.name) if self._parsed else self.requirement

    @property
    def version(self) -> str:
        """The locked version with its label; an empty text where an address is locked."""
        return exact_version(self._parsed) if self._parsed else ""

    @property
    def address(self) -> str:
        """The address that is locked in place of a version, or an empty text."""
        return (self._parsed.url or "") if self._parsed else ""

    @cached_property
    def _parsed(self) -> Requirement | None:
        return requirement_of(self.requirement)


def parse_lock(text: str) -> list[LockEntry]:
    """Return the entries of a lock that pip-compile or uv wrote."""
    found = []
    for block in re.split(r"\n(?=\S)", f"\n{text.rstrip()}"):
        lines = block.strip("\n").splitlines()
        if not lines or lines[0].startswith("#"):
            continue
        reasons = [line.strip().lstrip("#").strip() for line in lines if line.startswith("    #")]
        asking = [reason.removeprefix("via").strip() for reason in reasons]
        found.append(
            LockEntry(
                requirement=_without_marker(lines[0].removesuffix("\\").strip()),
                hashes=frozenset(HASH.findall(block)),
                files=frozenset(each[3:] for each in asking if each.startswith("-r ")),
                parents=frozenset(each for each in asking if NAME.fullmatch(each)),
            )
        )
    return found


def asked_for(entries: Iterable[LockEntry]) -> list[LockEntry]:
    """Return the entries that a requirements file needs, directly or through others."""
    by_name = {entry.name: entry for entry in entries}
    kept = {name for name, entry in by_name.items() if entry.files}
    while more := {
        name
        for name, entry in by_name.items()
        if name not in kept and any(canonicalize_name(parent) in kept for parent in entry.parents)
    }:
        kept |= more
    return [
        replace(
            entry,
            parents=frozenset(each for each in entry.parents if canonicalize_name(each) in kept),
        )
        for name, entry in by_name.items()
        if name in kept
    ]


def with_hashes(
    entries: Iterable[LockEntry], hashes: Mapping[str, Collection[str]]
) -> list[LockEntry]:
    """Return the entries, some of them (by ``name==version``) with other hashes."""
    return [
        replace(entry, hashes=frozenset(hashes.get(entry.requirement, entry.hashes)))
        for entry in entries
    ]


def render_lock(entries: Iterable[LockEntry], header: str) -> str:
    """Return the text of a lock, in the order of the names."""
    ordered = sorted(entries, key=lambda entry: entry.name)
    return "\n".join([f"# {header}", *(_block(entry) for entry in ordered)]) + "\n"


def without_hashes(text: str) -> str:
    """Return the text of a lock without its hashes, which resolvers keep with the version."""
    return re.sub(r" \\\n    --hash=\S+", "", text)


def _without_marker(requirement: str) -> str:
    """Return a requirement without its marker, as a lock is for one target and one Python."""
    return requirement if " @ " in requirement else requirement.partition(";")[0].strip()


def _block(entry: LockEntry) -> str:
    lines = [entry.requirement, *(f"--hash={each}" for each in sorted(entry.hashes))]
    return " \\\n    ".join(lines) + _reasons(entry)


def _reasons(entry: LockEntry) -> str:
    asking = [*(f"-r {file}" for file in sorted(entry.files)), *sorted(entry.parents)]
    if len(asking) == 1:
        return f"\n    # via {asking[0]}"
    return "".join(f"\n    {line}" for line in ["# via", *(f"#   {each}" for each in asking)])
