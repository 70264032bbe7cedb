"""Parse a change specification and apply it to a copy of the project."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from envkeep.errors import ToolError
from envkeep.locks.lock_set import pinned
from envkeep.paths import CONSTRAINTS, LOCKS, ORDER, OVERRIDES, REQUIREMENTS, ROOT, STACK, shown
from envkeep.project.git import Git
from envkeep.project.requirements import layers, read_requirements
from envkeep.project.target import Target
from envkeep.staging import requirement_forms
from envkeep.staging.requirement_forms import FORMS, Wanted

UPGRADE = "upgrade"
FROM_GIT = "git:"
IN_ORDER = "order:"


@dataclass(frozen=True)
class ChangeSpec:
    """A change specification.

    Attributes:
        text: As it was typed, without passwords.
        requirements: Packages.
        upgrade: Whether packages outside the stack release move to their newest versions.
        commit: Whose requirements and locks are taken, or an empty text.
        locks: A folder of locks that is taken as it is, or None.
        order: The layers in another order, or nothing.
        layer: Where a new package goes.
    """

    text: str
    requirements: tuple[Wanted, ...] = ()
    upgrade: bool = False
    commit: str = ""
    locks: Path | None = None
    order: tuple[str, ...] = ()
    layer: str = ""

    @property
    def resolves(self) -> bool:
        """Whether locks have to be compiled; those of a commit or a folder are there."""
        return not (self.commit or self.locks)


def read(text: str, layer: str | None = None) -> ChangeSpec:
    """Parse a change specification.

    Args:
        text: One or more changes with blanks between them.
        layer: Where a new package goes; by default to training, or else to production.

    Raises:
        ToolError: The text asks for nothing that is known, or for things that exclude each other.
    """
    words = requirement_forms.words(text)
    known = layers()
    if layer and layer not in known:
        raise ToolError(f"there is no layer {layer}; choose one of {', '.join(known)}.")
    commits = [word.removeprefix(FROM_GIT) for word in words if word.startswith(FROM_GIT)]
    orders = [word.removeprefix(IN_ORDER) for word in words if word.startswith(IN_ORDER)]
    folders = [folder for word in words if (folder := _folder_of_locks(word))]
    others = [
        word
        for word in words
        if not word.startswith((FROM_GIT, IN_ORDER)) and not _folder_of_locks(word)
    ]
    found = ChangeSpec(
        text=requirement_forms.redacted(text),
        requirements=tuple(_packages(others)),
        upgrade=UPGRADE in others,
        commit=_commit(commits[0]) if commits else "",
        locks=folders[0] if folders else None,
        order=tuple(orders[0].split(",")) if orders else (),
        layer=layer or ("20-train" if "20-train" in known else "30-prod"),
    )
    alone = [*commits, *folders]
    unclear = f'cannot understand "{found.text}"' if words else "no change is named"
    if not words or len(orders) > 1 or (alone and len(words) > 1):
        raise ToolError(
            f"{unclear}: name one change or several of {FORMS}; a "
            "commit or a folder of locks stands alone."
        )
    return found


def apply(changes: ChangeSpec, copy: Path, target: Target) -> None:
    """Write the changes into a copy of the project; its locks are not compiled yet.

    Raises:
        ToolError: The change says nothing new, or cannot be had.
    """
    top = copy / REQUIREMENTS.relative_to(ROOT)
    if changes.commit:
        _take_commit(changes.commit, top)
    elif changes.locks:
        folder = top / LOCKS.name / target.name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(changes.locks, folder)
    if changes.order:
        (top / ORDER.name).write_text("".join(f"{each}\n" for each in changes.order), "utf-8")
    pinned_by_stack = {
        line.name for path in _stack_files(top, target) for line in read_requirements(path)
    }
    for wanted in changes.requirements:
        locked = _locked(top / LOCKS.name / target.name)
        _ask_for(wanted, top, changes.layer, locked=locked, pinned_by_stack=pinned_by_stack)


def _ask_for(
    wanted: Wanted,
    top: Path,
    layer: str,
    *,
    locked: Collection[str],
    pinned_by_stack: Collection[str],
) -> None:
    """Put a package where it is asked for already, among the overrides, or into a layer.

    The version of one that the stack pins, or that others alone ask for, goes to the overrides.
    """
    overrides = top / OVERRIDES.name
    own = next((path for path in sorted(top.glob("*.in")) if _names(path, wanted.key)), None)
    is_overridden = overrides.exists() and _names(overrides, wanted.key)
    is_there = own is not None or wanted.key in locked
    place = own or top / f"{layer}.in"
    asked = _with_extras_of(place, wanted)
    if not wanted.version and is_there and not wanted.extras:
        raise ToolError(
            f"{wanted.key} is locked already; name the version to try, such as "
            f"{wanted.key}==1.2.3, or try {UPGRADE}."
        )
    goes_apart = is_overridden or wanted.key in pinned_by_stack or (is_there and own is None)
    if wanted.version and goes_apart:
        set_requirement(overrides, wanted.key, wanted.version_alone)
        asked = replace(asked, version="")
    if own is not None or not is_there or wanted.extras:
        set_requirement(place, wanted.key, asked.whole)


def _with_extras_of(path: Path, wanted: Wanted) -> Wanted:
    """Return what is wanted, with what the team's own line says beside the version."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    own = next(
        (requirement_forms.of_line(line) for line in lines if _is_of(line, wanted.key)), None
    )
    if own is None:
        return wanted
    return replace(
        wanted,
        extras=wanted.extras or own.extras,
        version=wanted.version or own.version,
        marker=wanted.marker or own.marker,
    )


def _stack_files(top: Path, target: Target) -> list[Path]:
    """Return the files of the stack's pins in a copy, for every target and for this hardware."""
    names = (CONSTRAINTS.name, f"constraints-{target.backend}.txt")
    return [path for name in names if (path := top / STACK.name / name).exists()]


def set_requirement(path: Path, name: str, requirement: str) -> None:
    """Replace the line of a package in a requirements file, or add one at its end."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [requirement if _is_of(line, name) else line for line in lines]
    kept += [] if requirement in kept else [requirement]
    path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8", newline="\n")


def _is_of(line: str, name: str) -> bool:
    found = re.match(r"[A-Za-z0-9][\w.-]*", line)
    return found is not None and canonicalize_name(found.group()) == name


def _names(path: Path, name: str) -> bool:
    return any(line.name == name for line in read_requirements(path))


def _locked(folder: Path) -> set[str]:
    return {name for path in folder.glob("[0-9]*.txt") for name in pinned(path)}


def _packages(words: Iterable[str]) -> Iterator[Wanted]:
    before = ""
    for word in words:
        if word != UPGRADE:
            yield requirement_forms.read(word, before)
        before = word


def _folder_of_locks(word: str) -> Path | None:
    if "://" in word:  # an address may be longer than a path can be
        return None
    path = Path(word)
    return path.resolve() if any(path.glob("[0-9]*.txt")) else None


def _commit(name: str) -> str:
    found = Git(ROOT).commit(name)
    if not found:
        raise ToolError(f"git knows no commit {name!r}; `git log --oneline` lists them.")
    return found


def _take_commit(commit: str, top: Path) -> None:
    """Replace the copy's requirements and locks by those of a commit.

    Raises:
        ToolError: The commit has no locks.
    """
    folder = shown(REQUIREMENTS)
    tree = Git(ROOT).paths("ls-tree", "-r", "-z", "--name-only", commit, "--", folder)
    if not any(f"/{LOCKS.name}/" in path for path in tree):
        raise ToolError(f"the commit {commit[:12]} has no locks, so there is nothing to install.")
    shutil.rmtree(top)
    for path in tree:
        file = top.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(Git(ROOT).output("show", f"{commit}:{path}"))
