"""The layers as groups of ``pyproject.toml``, for package managers that know no layers.

They are made from the requirements at each lock, between two marks at the end of the file. What
the package manager or somebody changed in the groups since then goes into the requirements first.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from packaging.markers import Marker

from envkeep.errors import ToolError
from envkeep.locks import indexes
from envkeep.locks.lock_set import Locks, pinned
from envkeep.locks.torch_builds import torch_build
from envkeep.paths import INDEXES, PYPROJECT, shown
from envkeep.project.requirements import (
    PRODUCTION_LAYERS,
    Line,
    input_files,
    layers,
    read_requirements,
    requirement_of,
    with_included,
)
from envkeep.project.target import Target, declared
from envkeep.toolchain.pip_by_name import Tie, tie_of

MADE = re.compile(r"^# groups: sha256:(?P<sha256>\w+)$", re.MULTILINE)
SYSTEMS = {"linux": "linux", "macos": "darwin", "windows": "win32"}
MACHINES = {"linux-arm64": "aarch64", "windows-x86_64": "AMD64"}

Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class LayerGroups(ABC):
    """What a package manager is to know of some targets.

    Attributes:
        title: The package manager, as its makers write it.
        own: The tables that may stand between the marks alone, as paths of keys.
        shared: What such a table may have elsewhere too.
        targets: Those that are locked.
        locks: Where the folders of their locks lie, if not in the project's own place.
    """

    title: ClassVar[str]
    own: ClassVar[tuple[tuple[str, ...], ...]]
    shared: ClassVar[frozenset[str]] = frozenset()
    targets: tuple[Target, ...]
    locks: Path | None = None

    @abstractmethod
    def text(self) -> str:
        """Return the tables as TOML."""

    def extras(self, backend: str) -> list[str]:
        """Return the extras by which a backend is chosen, if it is by extras."""
        return []

    @classmethod
    def begin(cls) -> str:
        """Return the line that the tables begin with."""
        return (
            f"# What {cls.title} reads; made by `make lock` from requirements/, to which it takes "
            "what changed here."
        )

    @classmethod
    def end(cls) -> str:
        """Return the line that the tables end with."""
        return f"# The end of what {cls.title} reads."

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

    @classmethod
    def without(cls, text: str) -> str:
        """Return the text of ``pyproject.toml`` without these tables."""
        begin, end = map(re.escape, (cls.begin(), cls.end()))
        return re.sub(rf"\n*{begin}\n.*?{end}\n", "\n", text, flags=re.DOTALL)

    def replaced_in(self, text: str, block: str) -> str:
        """Return the text of ``pyproject.toml`` with these tables in place of those before.

        Raises:
            ToolError: It has such tables elsewhere too, or is no TOML.
        """
        rest = self.without(text)
        content, made = parsed(rest), parsed(block)
        for keys in self.own:
            if _at(content, keys).keys() - self.shared and _at(made, keys):
                raise ToolError(
                    f"pyproject.toml has a table [{'.'.join(keys)}] of its own, and with "
                    f"package_manager {self.title.lower()} `make lock` makes it from requirements/:"
                    " take the table out."
                )
        return f"{rest.rstrip()}\n\n{block}"

    def made(self, groups: Groups) -> list[str]:
        """Return the first lines of the tables: whose they are, and the groups as they are."""
        return [self.begin(), f"# groups: sha256:{groups_hash(groups)}"]

    def pins(self) -> tuple[list[str], dict[str, list[str]]]:
        """Return what all locks have: for all backends, and by backend where these differ."""
        found: dict[str, dict[Target, str]] = {}
        for target in self.targets:
            locks = Locks(target, self.locks)
            for file in filter(Path.exists, map(locks.file, layers())):
                for name, version in pinned(file).items():
                    if "+" not in version and name not in self.torch_packages:
                        found.setdefault(name, {})[target] = version
        everywhere: list[str] = []
        apart: dict[str, list[str]] = {}
        for name, versions in sorted(found.items()):
            by_platform: dict[str, set[str]] = {}
            for target, version in versions.items():
                by_platform.setdefault(target.platform, set()).add(version)
            if len({*versions.values()}) == 1:
                everywhere.append(f"{name}=={min(versions.values())}")
            elif all(len(each) == 1 for each in by_platform.values()):
                rows = ((platform, min(each)) for platform, each in by_platform.items())
                everywhere += [f"{name}=={each} ; {marker_of(where)}" for where, each in rows]
            else:
                for target, version in versions.items():
                    line = f"{name}=={version} ; {marker_of(target.platform)}"
                    apart.setdefault(target.backend, []).append(line)
        return everywhere, apart

    @cached_property
    def torch_packages(self) -> dict[str, None]:
        """The packages that come from PyTorch's index."""
        builds = filter(None, map(torch_build, self.targets))
        return dict.fromkeys(chain.from_iterable(build.packages for build in builds))

    @cached_property
    def tied(self) -> dict[str, Tie]:
        """The locked packages that have an index of their own, by name.

        Raises:
            ToolError: One has it for some backends alone.
        """
        found: dict[str, set[Tie | None]] = {}
        for target in self.targets:
            ties, locks = indexes.ties(target), Locks(target, self.locks)
            for file in filter(Path.exists, map(locks.file, layers())):
                for name in pinned(file).keys() - self.torch_packages.keys():
                    found.setdefault(name, set()).add(tie_of(ties, name))
        for name, each in found.items():
            if len(each) > 1:
                raise ToolError(
                    f"{self.title} has one index for a package on all backends, and "
                    f"{shown(INDEXES)} ties {name} for some alone: take `backends` out there, or "
                    "answer package_manager with pip-tools."
                )
        return {name: tie for name, each in sorted(found.items()) for tie in each if tie}

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
        lines = [self._limited(plain(line), backend) for line in alone if line.name not in apart]
        wanted = {line.name for line in (*torch, *alone)} & {*apart}
        return list(map(plain, shared)), [*self._of_torch(layer, backend, wanted), *lines]

    def _of_torch(self, layer: str, backend: str, wanted: set[str]) -> Iterator[str]:
        """Yield the exact builds of torch's packages that a layer asks for, by platform."""
        for target in self.of_backend(backend):
            for name, version in self._torch_pins(layer, target, wanted):
                yield f"{name}=={version} ; {marker_of(target.platform)}"

    def _torch_pins(
        self, layer: str, target: Target, wanted: set[str]
    ) -> Iterator[tuple[str, str]]:
        """Yield the packages of torch that a layer asks for on a target, and their versions."""
        build = torch_build(target)
        file = Locks(target, self.locks).file(layer)
        locked = pinned(file) if build and build.helpers and file.exists() else {}
        for name in build.packages if build else ():
            version = build.pins.get(name) or locked.get(name) if build else None
            is_helper = build is not None and name in build.helpers and "torch" in wanted
            if version and (name in wanted or is_helper):
                yield name, version

    def _limited(self, line: str, backend: str) -> str:
        """Return a requirement that holds on the platforms of a backend alone."""
        mine = {marker_of(target.platform) for target in self.of_backend(backend)}
        if mine == {marker_of(target.platform) for target in self.targets}:
            return line
        where = " or ".join(sorted(f"({each})" for each in mine))
        requirement = requirement_of(line)
        own = f"({requirement.marker}) and " if requirement and requirement.marker else ""
        return f"{line.partition(' ;')[0]} ; {own}({where})"


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
    """Return what markers are judged by on a platform, for a Python with or without its patch."""
    system, _, machine = platform.partition("-")
    major, minor, patch = (*python.split("."), "0")[:3]
    names = {"linux": "Linux", "macos": "Darwin", "windows": "Windows"}
    return {
        "sys_platform": SYSTEMS[system],
        "platform_machine": MACHINES.get(platform, machine),
        "platform_system": names[system],
        "os_name": "nt" if system == "windows" else "posix",
        "python_version": f"{major}.{minor}",
        "python_full_version": f"{major}.{minor}.{patch}",
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


def read() -> tuple[str, dict[str, Any]]:
    """Return the text of ``pyproject.toml``, and what it says.

    Raises:
        ToolError: It cannot be read.
    """
    try:
        text = PYPROJECT.read_text(encoding="utf-8")
    except OSError as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); correct it.") from error
    return text, parsed(text)


def parsed(text: str) -> dict[str, Any]:
    """Return what the text of ``pyproject.toml`` says.

    Raises:
        ToolError: It is no TOML.
    """
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ToolError(f"pyproject.toml cannot be read ({error}); correct it.") from error


def plain(line: Line) -> str:
    """Return a requirement as it may stand in a group.

    Raises:
        ToolError: It is none by PEP 508.
    """
    if line.requirement is None:
        raise ToolError(
            f"`{line.text}` cannot stand in a group: write a requirement such as "
            "`NAME==1.2` or `NAME @ https://...`."
        )
    marker = f" ; {line.requirement.marker}" if line.requirement.marker else ""
    line.requirement.marker, kept = None, line.requirement.marker
    text = f"{line.requirement}{marker}"
    line.requirement.marker = kept
    return text


def array(values: Iterable[object]) -> str:
    """Return an array of TOML with a line for each value."""
    rows = [f"    {value_of(each)},\n" for each in values]
    return f"[\n{''.join(rows)}]" if rows else "[]"


def value_of(value: object) -> str:
    """Return a value as TOML in one line."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {value_of(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_of, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _at(content: Mapping[str, Any], keys: Sequence[str]) -> Mapping[str, Any]:
    found = content
    for key in keys:
        found = found.get(key, {})
    return found
