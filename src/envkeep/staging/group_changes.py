"""Take what changed in the groups of ``pyproject.toml`` into the requirements of the layers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkeep.errors import ToolError
from envkeep.locks import groups
from envkeep.locks.group_lock import GroupLock
from envkeep.paths import PYPROJECT, REQUIREMENTS, STACK
from envkeep.process import say
from envkeep.project.requirements import Line, layers, read_requirements
from envkeep.staging.change_spec import set_requirement


@dataclass(frozen=True)
class _Change:
    """What changed in the group of a layer.

    Attributes:
        file: The team's requirements of the layer.
        wanted: Requirements that are new or other ones.
        gone: The names of packages that are asked for no more.
    """

    file: Path
    wanted: Sequence[str]
    gone: Sequence[str]


def take_changes(manager: GroupLock) -> None:
    """Write into the requirements what changed in ``pyproject.toml`` since the last lock.

    Args:
        manager: The package manager that reads the groups.

    Raises:
        ToolError: Both changed, or a change cannot stand in a layer; nothing was written.
    """
    text, content = groups.read()
    foreign = manager.foreign_source(text, content)
    if foreign:
        raise ToolError(foreign)
    for change in _changes(manager, text, content):
        _apply(change)
    _take_dependencies(text, content)


def _changes(manager: GroupLock, text: str, content: Mapping[str, Any]) -> list[_Change]:
    """Return what changed in the groups alone."""
    made = groups.MADE.search(text)
    present: dict[str, list[str]] = content.get("dependency-groups", {})
    for group, lines in present.items():
        if not all(isinstance(each, str) for each in lines):
            raise ToolError(
                f"the group {group} in pyproject.toml includes another one, and `make lock` makes "
                "the groups of the layers: name its packages there."
            )
    if not made or groups.groups_hash(present) == made["sha256"]:
        return []
    now = manager.project().groups
    if groups.groups_hash(now) == groups.groups_hash(present):
        return []
    if groups.groups_hash(now) != made["sha256"]:
        raise ToolError(
            "both requirements/ and the groups in pyproject.toml were changed since the last lock: "
            "take one of the two changes back (`git diff` shows them), run `make lock`, and make "
            "it again."
        )
    names = sorted(present.keys() | now.keys())
    found = (_change(manager, each, now.get(each, []), present.get(each, [])) for each in names)
    return [change for change in found if change]


def _change(
    manager: GroupLock, group: str, before: Sequence[str], after: Sequence[str]
) -> _Change | None:
    """Return how a group differs from its layer.

    Raises:
        ToolError: It is no layer's, or what it lacks is asked for by the template.
    """
    old, new = ({Line.of(each).name: each for each in lines} for lines in (before, after))
    changed = [each for name, each in new.items() if not _is_same(old.get(name), each)]
    gone = [name for name in old if name not in new]
    if not (changed or gone):
        return None
    layer = groups.layer_of(group)
    if layer is None:
        known = ", ".join(groups.group_of(each) for each in layers())
        raise ToolError(
            f"the group {group} in pyproject.toml is not one of a layer: add packages to one of "
            f"{known} (`{manager.answer} add --group NAME ...`), and those of one backend to a "
            "file such as requirements/20-train-cuda.in."
        )
    path = REQUIREMENTS / f"{layer}.in"
    own = {line.name for line in read_requirements(path)} if path.exists() else set()
    for name in gone:
        if name not in own:
            raise ToolError(
                f"the template asks for {name} in requirements/stack/{layer}.in, so it stays in "
                f"the group {group}: `git checkout pyproject.toml {manager.path.name}` brings it "
                f"back, and a requirements/{layer}.in without `-r stack/{layer}.in` does without "
                "it."
            )
    return _Change(path, changed, gone)


def _apply(change: _Change) -> None:
    """Write a change into the requirements of its layer."""
    if change.gone:
        kept = [each for each in _lines(change.file) if _name(each) not in change.gone]
        text = "".join(f"{each}\n" for each in kept)
        change.file.write_text(text, encoding="utf-8", newline="\n")
    for name in change.gone:
        say(f"requirements/{change.file.name}: {name} was removed, as in pyproject.toml.")
    for line in change.wanted:
        _ask_for(line, change.file, "as in pyproject.toml")


def _ask_for(line: str, path: Path, why: str) -> None:
    """Write a requirement into the team's file of a layer, which goes on to take the template's."""
    if not path.exists():
        path.write_text(f"-r {STACK.name}/{path.name}\n", encoding="utf-8", newline="\n")
    plain = groups.plain(Line.of(line))
    set_requirement(path, Line.of(line).name, plain)
    say(f"requirements/{path.name}: {plain}, {why}.")


def _take_dependencies(text: str, content: Mapping[str, Any]) -> None:
    """Move what an `add` without a group wrote into the project's own dependencies to a layer.

    The wheel of the project names none: its environments are made from the layers.
    """
    found = content.get("project", {}).get("dependencies", [])
    if not found:
        return
    layer = "20-train" if "20-train" in layers() else "30-prod"
    for line in found:
        _ask_for(line, REQUIREMENTS / f"{layer}.in", "from the dependencies in pyproject.toml")
    PYPROJECT.write_text(_without_dependencies(text, found), encoding="utf-8", newline="\n")


def _without_dependencies(text: str, found: Sequence[str]) -> str:
    """Return the text of ``pyproject.toml`` with an empty array of the project's dependencies.

    Raises:
        ToolError: It is written in a way that none of the package managers writes.
    """
    for start in re.finditer(r"(?m)^dependencies\s*=\s*(?=\[)", text):
        for end in re.finditer(r"\]", text[start.end() :]):
            array = text[start.end() : start.end() + end.end()]
            with suppress(tomllib.TOMLDecodeError):
                if tomllib.loads(f"found = {array}")["found"] == found:
                    return f"{text[: start.end()]}[]{text[start.end() + end.end() :]}"
    raise ToolError("take the dependencies out of [project] in pyproject.toml, and lock again.")


def _is_same(one: str | None, other: str) -> bool:
    first, second = (Line.of(each or "").requirement for each in (one, other))
    return one is not None and str(first) == str(second)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _name(line: str) -> str:
    return Line.of(line.partition("#")[0].strip()).name
