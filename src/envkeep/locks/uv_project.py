"""The tables of ``pyproject.toml`` by which uv knows the layers: groups, pins, indexes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import ClassVar

from envkeep.locks import indexes
from envkeep.locks.constraints import stack_pins
from envkeep.locks.groups import Groups, LayerGroups, array, group_of, marker_of, value_of
from envkeep.locks.lock_set import pinned
from envkeep.locks.torch_builds import TorchBuild, project_index, torch_build
from envkeep.paths import TOOLCHAIN_LOCK
from envkeep.project.requirements import Line, layers, overrides

TIED = "tied"


class UvProject(LayerGroups):
    """What uv is to know of some targets."""

    title: ClassVar[str] = "uv"
    own: ClassVar[tuple[tuple[str, ...], ...]] = (("dependency-groups",), ("tool", "uv"))

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """The requirements by group; one that nobody installs holds names with their own index.

        uv minds the index of a package only where the project itself asks for the package.
        """
        return {**super().groups, **({TIED: [*self.tied]} if self.tied else {})}

    def text(self, more: Iterable[str] = (), of_groups: Groups | None = None) -> str:
        """Return the tables as TOML.

        Args:
            more: Further constraints.
            of_groups: Further requirements by group.
        """
        groups = self.groups
        added = of_groups or {}
        rows = {name: [*lines, *added.get(name, ())] for name, lines in groups.items()}
        platforms = sorted({marker_of(target.platform) for target in self.targets})
        settings: dict[str, Sequence[object]] = {
            "default-groups": self.names(self.backends[0]),
            "environments": platforms,
            "required-environments": platforms,
            "conflicts": self._conflicts(groups),
            "build-constraint-dependencies": _build_tools(),
            "constraint-dependencies": [*self.constraints(), *more],
        }
        lines = [*self.made(groups), "[dependency-groups]"]
        lines += [f"{name} = {array(each)}" for name, each in rows.items()]
        lines += ["", "[tool.uv]"]
        lines += [f"{name} = {array(each)}" for name, each in settings.items() if each]
        return "\n".join([*lines, *self._indexes(), self.end(), ""])

    def constraints(self) -> list[str]:
        """Return the stack's pins without those that an override replaces, and the overrides.

        A pin that differs between backends cannot be among them; the groups hold what is locked.
        """
        found: dict[str, set[tuple[str, ...]]] = {}
        for target in self.targets:
            of_target: dict[str, list[str]] = {}
            for line in stack_pins(target):
                of_target.setdefault(line.name, []).append(line.text)
            for name, texts in of_target.items():
                found.setdefault(name, set()).add(tuple(texts))
        pins = [texts for _, each in sorted(found.items()) if len(each) == 1 for texts in each]
        apart = self.torch_packages
        own = sorted(line.text for line in overrides() if line.name not in apart)
        return [*chain.from_iterable(pins), *own]

    def _conflicts(self, groups: Groups) -> list[list[dict[str, str]]]:
        """Return the pairs of groups of different backends."""
        of = {backend: {group_of(each, backend) for each in layers()} for backend in self.backends}
        pairs = [
            sorted((one, other))
            for number, first in enumerate(self.backends)
            for second in self.backends[number + 1 :]
            for one in of[first] & groups.keys()
            for other in of[second] & groups.keys()
        ]
        return [[{"group": each} for each in pair] for pair in sorted(pairs)]

    def _indexes(self) -> Iterator[str]:
        """Yield where torch's packages come from, for each backend, and those that are tied."""
        builds = {
            backend: build
            for backend in self.backends
            for target in self.of_backend(backend)[:1]
            if (build := torch_build(target))
        }
        if not (builds or self.tied):
            return
        yield from ("", "[tool.uv.sources]")
        for name, tie in self.tied.items():
            yield f"{json.dumps(name)} = {value_of({'index': tie.index_name})}"
        for name in self.torch_packages:
            rows = [row for backend, build in builds.items() for row in self._source(name, build)]
            if rows:
                yield f"{json.dumps(name)} = {array(rows)}"
        for backend, build in builds.items():
            index, is_folder = project_index(build.target)
            yield from ("", "[[tool.uv.index]]", f"name = {json.dumps(f'pytorch-{backend}')}")
            yield f"url = {json.dumps(index, ensure_ascii=False)}"
            yield from (['format = "flat"'] if is_folder else [])
            yield "explicit = true"
        for tie in dict.fromkeys(tie._replace(pattern="") for tie in self.tied.values()):
            yield from ("", "[[tool.uv.index]]", *indexes.for_uv(tie))

    def _source(self, name: str, build: TorchBuild) -> Iterator[dict[str, str]]:
        backend = build.target.backend
        asking = [
            group
            for group in dict.fromkeys(group_of(layer, backend) for layer in layers())
            if any(Line.of(line).name == name for line in self.groups.get(group, ()))
        ]
        index = {"index": f"pytorch-{backend}"}
        if len(self.backends) == 1:
            yield from ([index] if asking else [])
            return
        yield from ({**index, "group": group} for group in asking)


def _build_tools() -> list[str]:
    """Return the pins of what builds the project and packages that have no wheel."""
    wanted = ("setuptools", "wheel")
    return [f"{name}=={each}" for name, each in pinned(TOOLCHAIN_LOCK).items() if name in wanted]
