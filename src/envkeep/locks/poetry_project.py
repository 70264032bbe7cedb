"""The tables of ``pyproject.toml`` by which Poetry knows the layers: groups, pins, sources.

Poetry has no constraints, so a group that nobody installs holds the versions that the layers have.
It has one solution for all groups, so a GPU's build is chosen by an extra, which the requirements
of the CPU and of the GPU name in their markers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar

from packaging.version import Version

from envkeep.errors import ToolError
from envkeep.locks.groups import SYSTEMS, LayerGroups, array, group_of, value_of
from envkeep.locks.torch_builds import project_index, torch_build
from envkeep.paths import INDEXES, SOURCE, shown
from envkeep.project.metadata import project_metadata
from envkeep.project.requirements import Line, layers
from envkeep.project.target import Target

SINCE = "2.3"  # the first whose lock is stale where [dependency-groups] changed
PINS = "pins"


class PoetryProject(LayerGroups):
    """What Poetry is to know of some targets."""

    title: ClassVar[str] = "Poetry"
    own: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("dependency-groups",),
        ("tool", "poetry"),
        ("project", "optional-dependencies"),
    )
    shared: ClassVar[frozenset[str]] = frozenset({"source"})  # a mirror of PyPI

    @property
    def gpu(self) -> str:
        """The backend beside the CPU, or an empty text."""
        return next((each for each in self.backends if each != "cpu"), "")

    def extras(self, backend: str) -> list[str]:
        """Return the extras by which a backend is chosen, if it is by extras."""
        return [backend] if backend == self.gpu else []

    def text(self) -> str:
        """Return the tables as TOML."""
        lines = self.made(self.groups)
        if self.gpu:
            lines += ["[project.optional-dependencies]", f"{self.gpu} = []", ""]
        lines += ["[dependency-groups]"]
        lines += [f"{name} = {array(each)}" for name, each in self.groups.items()]
        lines += ["", "[tool.poetry]", f'requires-poetry = ">={SINCE}"']
        lines += [f"packages = [{value_of(_package())}]"]
        lines += ["", f"[tool.poetry.group.{PINS}]", "optional = true", ""]
        lines += [f"[tool.poetry.group.{PINS}.dependencies]", *self._pin_rows(), *self._sources()]
        return "\n".join([*lines, self.end(), ""])

    def _pin_rows(self) -> Iterator[str]:
        """Yield what all locks have, as the group that nobody installs."""
        everywhere, apart = self.pins()
        found: dict[str, list[str]] = {}
        limited = (self._limited(line, each) for each, lines in apart.items() for line in lines)
        for line in sorted([*everywhere, *limited]):
            found.setdefault(Line.of(line).name, []).append(line)
        for name, lines in found.items():
            rows: list[Mapping[str, str]] = []
            for line in lines:
                pin, _, marker = line.partition(" ; ")
                row = {"version": f"=={pin.partition('==')[2]}"}
                row |= {"markers": marker} if marker else {}
                row |= {"source": self.tied[name].index_name} if name in self.tied else {}
                rows.append(row)
            yield f"{name} = {_row(rows)}"

    def _sources(self) -> Iterator[str]:
        """Yield which packages come from PyTorch's index, and the indexes."""
        used: dict[str, None] = {}
        for group, lines in self.groups.items():
            rows = self._sourced(group, lines)
            if rows:
                yield from ("", f"[tool.poetry.group.{group}.dependencies]")
                yield from (f"{name} = {_row(each)}" for name, each in rows.items())
            if any(each in self.torch_packages for each in rows):
                used[self._backend_of(group)] = None
        for backend in used:
            index, _ = project_index(self.of_backend(backend)[0])
            yield from ("", "[[tool.poetry.source]]", f'name = "pytorch-{backend}"')
            yield f"url = {json.dumps(index, ensure_ascii=False)}"
            yield 'priority = "explicit"'
        for tie in dict.fromkeys(tie._replace(pattern="") for tie in self.tied.values()):
            if tie.flat:
                raise ToolError(
                    f"Poetry takes no flat index such as {tie.index_name} in {shown(INDEXES)}: "
                    "name one with a page for each package, or answer package_manager with uv."
                )
            yield from ("", "[[tool.poetry.source]]", f"name = {json.dumps(tie.index_name)}")
            yield f"url = {json.dumps(tie.url, ensure_ascii=False)}"
            yield 'priority = "explicit"'

    def _sourced(self, group: str, lines: list[str]) -> dict[str, list[Mapping[str, str]]]:
        """Return the requirements of a group that have a source of their own, by name.

        A version without a label is the one of PyPI too, and an index has it beside others of
        which Poetry would take the last: with a label or without is the same version to it.
        """
        found: dict[str, list[Mapping[str, str]]] = {}
        for line in lines:
            name, marker = Line.of(line).name, line.partition(" ; ")[2]
            if name in self.tied:
                where = {"markers": marker} if marker else {}
                source = {"source": self.tied[name].index_name, **where}
                found.setdefault(name, []).append(source)
            elif name in self.torch_packages and not self._is_bare(line):
                where = {"markers": marker} if marker else {}
                source = {"source": f"pytorch-{self._backend_of(group)}", **where}
                found.setdefault(name, []).append(source)
        return found

    def _is_bare(self, line: str) -> bool:
        """Tell whether a requirement of torch's packages asks for a version without a label."""
        helpers = {each for target in self.targets for each in _helpers(target)}
        specifier = line.partition(" ; ")[0].partition("!=")[0]
        return Line.of(line).name not in helpers and "+" not in specifier

    def _backend_of(self, group: str) -> str:
        rows = ((group_of(layer, each), each) for each in self.backends for layer in layers())
        return dict(rows)[group]

    def _of_torch(self, layer: str, backend: str, wanted: set[str]) -> Iterator[str]:
        """Yield the exact builds of torch's packages that a layer asks for, by system.

        Each further marker doubles what Poetry tries, so there is none where one version is all.
        """
        found: dict[str, dict[str, set[str]]] = {}
        systems: set[str] = set()
        for target in self.of_backend(backend):
            system = SYSTEMS[target.platform.partition("-")[0]]
            systems.add(system)
            for name, version in self._torch_pins(layer, target, wanted):
                found.setdefault(name, {}).setdefault(version, set()).add(system)
        for name, versions in found.items():
            most = max(versions, key=lambda each: len(versions[each]))
            for version, there in versions.items():
                marker = _other_than(systems - there) if version == most else _either(there)
                yield self._limited(f"{name}{self._exactly(name, version)}{marker}", backend)

    def _exactly(self, name: str, version: str) -> str:
        """Return the specifier of a version, which admits none with a label unless it has one."""
        builds = filter(None, map(torch_build, self.targets))
        known = dict.fromkeys(build.pins.get(name, "") for build in builds)
        labelled = [each for each in known if each.partition("+")[0] == version and "+" in each]
        if not labelled:
            return f"=={version}"
        major, minor, micro = Version(version).release[:3]
        without = "".join(f",!={each}" for each in labelled)
        return f">={version},<{major}.{minor}.{micro + 1}{without}"

    def _limited(self, line: str, backend: str) -> str:
        """Return a requirement that holds with a backend alone."""
        if not self.gpu:
            return line
        operator = "==" if backend == self.gpu else "!="
        extra = f"extra {operator} '{self.gpu}'"
        plain, _, marker = line.partition(" ; ")
        both = f"({marker}) and {extra}" if " or " in marker else f"{marker} and {extra}"
        return f"{plain} ; {both if marker else extra}"


def _package() -> Mapping[str, str]:
    """Return where the project's own package lies."""
    name = str(project_metadata()["package_name"])
    where = {"from": SOURCE.name} if (SOURCE / name).exists() else {}
    return {"include": name, **where}


def _helpers(target: Target) -> tuple[str, ...]:
    build = torch_build(target)
    return build.helpers if build else ()


def _other_than(systems: set[str]) -> str:
    """Return the marker of all systems but some, as the end of a requirement."""
    marker = " and ".join(f"sys_platform != '{each}'" for each in sorted(systems))
    return f" ; {marker}" if marker else ""


def _either(systems: set[str]) -> str:
    """Return the marker of some systems, as the end of a requirement."""
    return " ; " + " or ".join(f"sys_platform == '{each}'" for each in sorted(systems))


def _row(rows: list[Mapping[str, str]]) -> str:
    """Return what Poetry asks for of one package."""
    if len(rows) > 1:
        return value_of([*rows])
    [row] = rows
    return value_of(row["version"] if [*row] == ["version"] else row)
