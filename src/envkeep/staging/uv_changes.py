"""Take what uv or somebody changed in ``pyproject.toml`` into the requirements of the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envkeep.errors import ToolError
from envkeep.locks import uv_lock, uv_project
from envkeep.locks.uv_project import UvProject
from envkeep.paths import REQUIREMENTS, STACK
from envkeep.process import run, say
from envkeep.project.requirements import Line, layers, read_requirements
from envkeep.staging.change_spec import set_requirement
from envkeep.toolchain import locking_tools


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


def take_changes() -> None:
    """Write into the requirements what changed in ``pyproject.toml`` since the last lock.

    Raises:
        ToolError: Both changed, or a change cannot stand in a layer; nothing was written.
    """
    text, content = uv_project.read()
    _refuse_sources(content)
    changes = _changes(text, content)
    for change in changes:
        _apply(change)
    _take_dependencies(content)


def _changes(text: str, content: Mapping[str, Any]) -> list[_Change]:
    """Return what changed in the groups alone."""
    made = uv_project.MADE.search(text)
    present: dict[str, list[str]] = content.get("dependency-groups", {})
    for group, lines in present.items():
        if not all(isinstance(each, str) for each in lines):
            raise ToolError(
                f"the group {group} in pyproject.toml includes another one, and `make lock` makes "
                "the groups of the layers: name its packages there."
            )
    if not made or uv_project.groups_hash(present) == made["sha256"]:
        return []
    now = UvProject(uv_lock.locked_targets()).groups
    if uv_project.groups_hash(now) == uv_project.groups_hash(present):
        return []
    if uv_project.groups_hash(now) != made["sha256"]:
        raise ToolError(
            "both requirements/ and the groups in pyproject.toml were changed since the last lock: "
            "take one of the two changes back (`git diff` shows them), run `make lock`, and make "
            "it again."
        )
    groups = sorted(present.keys() | now.keys())
    found = (_change(each, now.get(each, []), present.get(each, [])) for each in groups)
    return [change for change in found if change]


def _change(group: str, before: Sequence[str], after: Sequence[str]) -> _Change | None:
    """Return how a group differs from its layer.

    Raises:
        ToolError: It is no layer's, or what it lacks is asked for by the template.
    """
    old, new = ({Line.of(each).name: each for each in lines} for lines in (before, after))
    changed = [each for name, each in new.items() if not _is_same(old.get(name), each)]
    gone = [name for name in old if name not in new]
    if not (changed or gone):
        return None
    layer = uv_project.layer_of(group)
    if layer is None:
        known = ", ".join(uv_project.group_of(each) for each in layers())
        raise ToolError(
            f"the group {group} in pyproject.toml is not one of a layer: add packages to one of "
            f"{known} (`uv add --group NAME ...`), and those of one backend to a file such as "
            "requirements/20-train-cuda.in."
        )
    path = REQUIREMENTS / f"{layer}.in"
    own = {line.name for line in read_requirements(path)} if path.exists() else set()
    for name in gone:
        if name not in own:
            raise ToolError(
                f"the template asks for {name} in requirements/stack/{layer}.in, so it stays in "
                f"the group {group}: `git checkout pyproject.toml uv.lock` brings it back, and a "
                f"requirements/{layer}.in without `-r stack/{layer}.in` does without it."
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
    set_requirement(path, Line.of(line).name, line)
    say(f"requirements/{path.name}: {line}, {why}.")


def _take_dependencies(content: Mapping[str, Any]) -> None:
    """Move what `uv add` wrote into the project's own dependencies to a layer.

    The wheel of the project names none: its environments are made from the layers.
    """
    found = content.get("project", {}).get("dependencies", [])
    if not found:
        return
    layer = "20-train" if "20-train" in layers() else "30-prod"
    for line in found:
        _ask_for(line, REQUIREMENTS / f"{layer}.in", "from the dependencies in pyproject.toml")
    command = [locking_tools.tool("uv"), "remove", "--quiet", "--frozen"]
    run([*command, *(_bare_name(line) for line in found)], env=uv_lock.variables(), mode="quiet")


def _refuse_sources(content: Mapping[str, Any]) -> None:
    sources = content.get("tool", {}).get("uv", {}).get("sources", {})
    known = UvProject(uv_lock.locked_targets()).torch_packages
    foreign = [name for name in sources if Line.of(name).name not in known]
    if foreign:
        raise ToolError(
            f"{foreign[0]} comes from a repository or a folder by [tool.uv.sources], so it has no "
            "hash: name a released version or the address of an archive "
            f"(`uv remove {foreign[0]}`, then `uv add '{foreign[0]} @ https://...'`)."
        )


def _is_same(one: str | None, other: str) -> bool:
    first, second = (Line.of(each or "").requirement for each in (one, other))
    return one is not None and str(first) == str(second)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _name(line: str) -> str:
    return Line.of(line.partition("#")[0].strip()).name


def _bare_name(line: str) -> str:
    requirement = Line.of(line).requirement
    return requirement.name if requirement else line
