"""The text of a lock: what pip-compile or uv wrote is read and written again in one form.

So a lock is the same bytes whichever of the two made it, and on whichever machine.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True)
class Entry:
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
        """Normalized name of the package, or the whole requirement if it begins with none."""
        found = NAME.match(self.requirement.removeprefix("-e "))
        return canonicalize_name(found.group()) if found else self.requirement


def parse(text: str) -> list[Entry]:
    """Return the entries of a lock that pip-compile or uv wrote."""
    found = []
    for block in re.split(r"\n(?=\S)", f"\n{text.rstrip()}"):
        lines = block.strip("\n").splitlines()
        if not lines or lines[0].startswith("#"):
            continue
        reasons = [line.strip().lstrip("#").strip() for line in lines if line.startswith("    #")]
        asking = [reason.removeprefix("via").strip() for reason in reasons]
        found.append(
            Entry(
                requirement=_without_marker(lines[0].removesuffix("\\").strip()),
                hashes=frozenset(HASH.findall(block)),
                files=frozenset(each[3:] for each in asking if each.startswith("-r ")),
                parents=frozenset(each for each in asking if NAME.fullmatch(each)),
            )
        )
    return found


def asked_for(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that some requirements file asks for, directly or through others."""
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


def with_hashes(entries: Iterable[Entry], hashes: Mapping[str, Collection[str]]) -> list[Entry]:
    """Return the entries, some of them (by ``name==version``) with other hashes."""
    return [
        replace(entry, hashes=frozenset(hashes.get(entry.requirement, entry.hashes)))
        for entry in entries
    ]


def render(entries: Iterable[Entry], header: str) -> str:
    """Return the text of a lock, in the order of the names."""
    ordered = sorted(entries, key=lambda entry: entry.name)
    return "\n".join([f"# {header}", *(_block(entry) for entry in ordered)]) + "\n"


def _without_marker(requirement: str) -> str:
    """Return a requirement without its marker, as a lock is for one target and one Python."""
    return requirement if " @ " in requirement else requirement.split(";")[0].strip()


def _block(entry: Entry) -> str:
    lines = [entry.requirement, *(f"--hash={each}" for each in sorted(entry.hashes))]
    return " \\\n    ".join(lines) + _reasons(entry)


def _reasons(entry: Entry) -> str:
    asking = [*(f"-r {file}" for file in sorted(entry.files)), *sorted(entry.parents)]
    if len(asking) == 1:
        return f"\n    # via {asking[0]}"
    return "".join(f"\n    {line}" for line in ["# via", *(f"#   {each}" for each in asking)])
