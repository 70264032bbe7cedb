"""The tables of ``pyproject.toml`` by which uv knows the layers: groups, pins, indexes.

They are made from the requirements at each lock, between two marks at the end of the file. What
uv or somebody changed in the groups since then goes into the requirements first.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.markers import Marker

from envkeep.errors import ToolError
from envkeep.locks.constraints import stack_pins
from envkeep.locks.lock_set import Locks, pinned
from envkeep.locks.torch_builds import TorchBuild, project_index, torch_build
from envkeep.paths import PYPROJECT, TOOLCHAIN_LOCK
from envkeep.project.requirements import (
    PRODUCTION_LAYERS,
    Line,
    input_files,
    layers,
    overrides,
    read_requirements,
    requirement_of,
    with_included,
)
from envkeep.project.target import Target, declared

BEGIN = (
    "# What uv reads; made by `make lock` from requirements/, to which it takes what changed here."
)
END = "# The end of what uv reads."
BLOCK = re.compile(rf"\n*{re.escape(BEGIN)}\n.*?{re.escape(END)}\n", re.DOTALL)
MADE = re.compile(r"^# groups: sha256:(?P<sha256>\w+)$", re.MULTILINE)
SYSTEMS = {"linux": "linux", "macos": "darwin", "windows": "win32"}
MACHINES = {"linux-arm64": "aarch64", "windows-x86_64": "AMD64"}

Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class UvProject:
    """What uv is to know of some targets.

    Attributes:
        targets: Those that are locked.
        locks: Where the folders of their locks lie, if not in the project's own place.
    """

    targets: tuple[Target, ...]
    locks: Path | None = None

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends of the targets, in the order of the catalog."""
        present = {target.backend for target in self.targets}
        return tuple(name for name in declared() if name in present)

    def of_backend(self, backend: str) -> tuple[Target, ...]:
        """Return the targets of a backend."""
        return tuple(target for target in self.targets if target.backend == backend)

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """The requirements by group: one of each layer, one or two of each backend."""
        found: dict[str, list[str]] = {group_of(layer): [] for layer in layers()}
        for backend in self.backends:
            for layer in layers():
                shared, alone = self._lines(layer, backend)
                found[group_of(layer)] = shared
                group = found.setdefault(group_of(layer, backend), [])
                group.extend(line for line in alone if line not in group)
        return {name: lines for name, lines in found.items() if lines or name in _OFFERED}

    def names(self, backend: str, wanted: Iterable[str] | None = None) -> list[str]:
        """Return the groups of some layers, by default all, for a backend."""
        there = self.groups
        chosen = layers() if wanted is None else tuple(wanted)
        names = [name for layer in chosen for name in (group_of(layer), group_of(layer, backend))]
        return [name for name in dict.fromkeys(names) if name in there]

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
        lines = [BEGIN, f"# groups: sha256:{groups_hash(groups)}", "[dependency-groups]"]
        lines += [f"{name} = {_array(each)}" for name, each in rows.items()]
        lines += ["", "[tool.uv]"]
        lines += [f"{name} = {_array(each)}" for name, each in settings.items() if each]
        return "\n".join([*lines, *self._indexes(), END, ""])

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

    @cached_property
    def torch_packages(self) -> dict[str, None]:
        """The packages that come from PyTorch's index."""
        builds = filter(None, map(torch_build, self.targets))
        return dict.fromkeys(chain.from_iterable(build.packages for build in builds))

    def _lines(self, layer: str, backend: str) -> tuple[list[str], list[str]]:
        """Return what a layer asks for everywhere, and with a backend alone."""
        first, *others = input_files(layer, backend)
        apart = self.torch_packages
        shared: list[Line] = []
        alone: list[Line] = []
        torch: list[Line] = []
        for path in with_included(first):
            for line in read_requirements(path):
                (torch if line.name in apart else shared).append(line)
        for path in chain.from_iterable(map(with_included, others)):
            alone += read_requirements(path)
        lines = [self._limited(_plain(line), backend) for line in alone if line.name not in apart]
        wanted = {line.name for line in (*torch, *alone)} & {*apart}
        return list(map(_plain, shared)), [*self._of_torch(layer, backend, wanted), *lines]

    def _of_torch(self, layer: str, backend: str, wanted: set[str]) -> Iterator[str]:
        """Yield the exact builds of torch's packages that a layer asks for, by platform."""
        for target in self.of_backend(backend):
            build = torch_build(target)
            file = Locks(target, self.locks).file(layer)
            locked = pinned(file) if build and build.helpers and file.exists() else {}
            for name in build.packages if build else ():
                version = build.pins.get(name) or locked.get(name) if build else None
                is_helper = build is not None and name in build.helpers and "torch" in wanted
                if version and (name in wanted or is_helper):
                    yield f"{name}=={version} ; {marker_of(target.platform)}"

    def _limited(self, line: str, backend: str) -> str:
        """Return a requirement that holds on the platforms of a backend alone."""
        mine = {marker_of(target.platform) for target in self.of_backend(backend)}
        if mine == {marker_of(target.platform) for target in self.targets}:
            return line
        where = " or ".join(sorted(f"({each})" for each in mine))
        requirement = requirement_of(line)
        own = f"({requirement.marker}) and " if requirement and requirement.marker else ""
        return f"{line.partition(' ;')[0]} ; {own}({where})"

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
        """Yield where torch's packages come from, for each backend."""
        builds = {
            backend: build
            for backend in self.backends
            for target in self.of_backend(backend)[:1]
            if (build := torch_build(target))
        }
        if not builds:
            return
        yield from ("", "[tool.uv.sources]")
        for name in self.torch_packages:
            rows = [row for backend, build in builds.items() for row in self._source(name, build)]
            if rows:
                yield f"{json.dumps(name)} = {_array(rows)}"
        for backend, build in builds.items():
            index, is_folder = project_index(build.target)
            yield from ("", "[[tool.uv.index]]", f"name = {json.dumps(f'pytorch-{backend}')}")
            yield f"url = {json.dumps(index, ensure_ascii=False)}"
            yield from (['format = "flat"'] if is_folder else [])
            yield "explicit = true"

    def _source(self, name: str, build: TorchBuild) -> Iterator[dict[str, str]]:
        backend = build.target.backend
        asking = [
            group
            for group in dict.fromkeys(group_of(layer, backend) for layer in layers())
            if any(_name(line) == name for line in self.groups.get(group, ()))
        ]
        index = {"index": f"pytorch-{backend}"}
        if len(self.backends) == 1:
            yield from ([index] if asking else [])
            return
        yield from ({**index, "group": group} for group in asking)


_OFFERED = frozenset({"train", "prod", "dev", "lint"})


def group_of(layer: str, backend: str = "") -> str:
    """Return the group of what a layer asks for everywhere, or with a backend alone."""
    name = layer.partition("-")[2]
    if not backend:
        return name
    return f"{name}-{backend}" if layer in PRODUCTION_LAYERS else backend


def layer_of(group: str) -> str | None:
    """Return the layer whose requirements a group holds, None if it is of a backend or unknown."""
    return next((layer for layer in layers() if group_of(layer) == group), None)


def marker_of(platform: str) -> str:
    """Return the environment marker of a platform."""
    system, _, machine = platform.partition("-")
    machine = MACHINES.get(platform, machine)
    return f"sys_platform == '{SYSTEMS[system]}' and platform_machine == '{machine}'"


def environment_of(platform: str, python: str) -> dict[str, str]:
    """Return what markers are judged by on a platform, for a ``major.minor`` of Python."""
    system, _, machine = platform.partition("-")
    names = {"linux": "Linux", "macos": "Darwin", "windows": "Windows"}
    return {
        "sys_platform": SYSTEMS[system],
        "platform_machine": MACHINES.get(platform, machine),
        "platform_system": names[system],
        "os_name": "nt" if system == "windows" else "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def holds(requirement: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a requirement holds in an environment."""
    marker = requirement.partition(" ; ")[2]
    return not marker or Marker(marker).evaluate(dict(environment))


def groups_hash(groups: Groups) -> str:
    """Return the SHA-256 of the groups, in whatever order their requirements stand."""
    lines = {
        name: sorted(str(requirement_of(line) or line) for line in found)
        for name, found in groups.items()
        if found
    }
    return hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()


def with_block(text: str, block: str) -> str:
    """Return the text of ``pyproject.toml`` with the tables of uv in place of those before.

    Raises:
        ToolError: It has such tables elsewhere too, or is no TOML.
    """
    rest = without_block(text)
    content = _parsed(rest)
    for name, there in (
        ("[dependency-groups]", "dependency-groups" in content),
        ("[tool.uv]", "uv" in content.get("tool", {})),
    ):
        if there:
            raise ToolError(
                f"pyproject.toml has a table {name} of its own, and with package_manager uv "
                "`make lock` makes it from requirements/: take the table out."
            )
    return f"{rest.rstrip()}\n\n{block}"


def without_block(text: str) -> str:
    """Return the text of ``pyproject.toml`` without the tables of uv."""
    return BLOCK.sub("\n", text)


def read() -> tuple[str, dict[str, Any]]:
    """Return the text of ``pyproject.toml``, and what it says.

    Raises:
        ToolError: It cannot be read.
    """
    try:
        text = PYPROJECT.read_text(encoding="utf-8")
    except OSError as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); correct it.") from error
    return text, _parsed(text)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); correct it.") from error


def _plain(line: Line) -> str:
    """Return a requirement as uv takes it in a group.

    Raises:
        ToolError: It is none by PEP 508.
    """
    if line.requirement is None:
        raise ToolError(
            f"`{line.text}` cannot stand in a group of uv: write a requirement such as "
            "`NAME==1.2` or `NAME @ https://...`."
        )
    marker = f" ; {line.requirement.marker}" if line.requirement.marker else ""
    line.requirement.marker, kept = None, line.requirement.marker
    text = f"{line.requirement}{marker}"
    line.requirement.marker = kept
    return text


def _name(line: str) -> str:
    return Line.of(line).name


def _build_tools() -> list[str]:
    """Return the pins of what builds the project and packages that have no wheel."""
    wanted = ("setuptools", "wheel")
    return [f"{name}=={each}" for name, each in pinned(TOOLCHAIN_LOCK).items() if name in wanted]


def _array(values: Iterable[object]) -> str:
    """Return an array of TOML with a line for each value."""
    rows = [f"    {_value(each)},\n" for each in values]
    return f"[\n{''.join(rows)}]" if rows else "[]"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
