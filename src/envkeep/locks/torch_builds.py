"""Choose the wheels of torch for a target, and their source."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from envkeep.errors import ToolError
from envkeep.hardware import catalog
from envkeep.paths import OVERRIDES, REQUIREMENTS
from envkeep.project.metadata import project_metadata
from envkeep.project.named_environments import is_named
from envkeep.project.requirements import (
    Line,
    direct_names,
    layers,
    overrides,
    read_requirements,
    with_included,
)
from envkeep.project.target import Target


@dataclass(frozen=True)
class TorchBuild:
    """The build of torch for one target.

    Attributes:
        target: The target.
        pins: Exact versions, with the build's label, of torch and those of its companions that the
            project asks for.
        helpers: Further packages that torch itself asks for by these names.
        index: Address of the index that all of them come from, or a folder of wheels.
    """

    target: Target
    pins: Mapping[str, str]
    helpers: tuple[str, ...]
    index: str

    @property
    def version(self) -> str:
        """Version of torch, for example ``X.Y.Z+label``."""
        return self.pins["torch"]

    @property
    def packages(self) -> tuple[str, ...]:
        """All packages that come from PyTorch's index and from nowhere else."""
        return (*self.pins, *self.helpers)

    @property
    def is_folder(self) -> bool:
        """Whether the index is a folder of wheels."""
        return "://" not in self.index

    def require_folder(self) -> None:
        """Refuse a folder of wheels that is not there.

        Raises:
            ToolError: The folder of wheels does not exist.
        """
        if self.is_folder and not Path(self.index).is_dir():
            raise ToolError(
                f"the folder of torch wheels {self.index} does not exist; set TORCH_INDEX to "
                "another one."
            )


def torch_build(target: Target, wanted: Sequence[str] = ()) -> TorchBuild | None:
    """Return the build for a target with ``overrides.txt`` applied, None if there is no torch.

    Args:
        target: The target.
        wanted: Whose requirements say which companions of torch there are; by default all layers'.

    Raises:
        ToolError: An override of one of its packages is not an exact version, or a companion of
            torch is asked for that this build does not have.
    """
    torch = project_metadata().get("torch")
    if torch is None:
        return None
    own = {line.name: line for line in _own_versions(wanted)}
    wheels = target.build["wheels"][target.platform]
    stack = {"torch": torch["version"], **_companions(target, wanted or layers())}
    pins = {
        name: (_exact(own[name], wanted) if name in own else version) + wheels["local_version"]
        for name, version in stack.items()
    }
    index = _index(os.environ.get("TORCH_INDEX") or torch["index"], target.build["index"])
    return TorchBuild(target, pins, tuple(target.build["index_packages"]), index)


def project_index(target: Target) -> tuple[str, bool]:
    """Return the index that the answers name for a target, and whether it is a folder of wheels.

    ``TORCH_INDEX``, which is for one machine, does not count.
    """
    index = _index(project_metadata()["torch"]["index"], target.build["index"])
    return index, "://" not in index


def _companions(target: Target, wanted: Sequence[str]) -> dict[str, str]:
    """Return the versions of those companions of torch that some layers ask for."""
    asked_for = set(direct_names(wanted, target.backend))
    rows = {canonicalize_name(row["package"]): row for row in catalog.companions()}
    found = {name: row for name, row in rows.items() if name in asked_for}
    for name, row in found.items():
        if target.build["build"] in row["not_for"]:
            raise ToolError(
                f"{name} has no {target.build['title']} build: choose another "
                f"{target.backend}_build, or take it out of requirements/."
            )
    return {name: row["version"] for name, row in found.items()}


def _own_versions(wanted: Sequence[str]) -> list[Line]:
    """Return the lines that take the place of the stack's versions of torch and its companions.

    An environment by name says them itself, as overrides.txt is for the layers.
    """
    if not any(map(is_named, wanted)):
        return overrides()
    files = [REQUIREMENTS / f"{name}.in" for name in wanted]
    lines = [
        line for path in files for each in with_included(path) for line in read_requirements(each)
    ]
    return [line for line in lines if line.names_version]


def _exact(override: Line, wanted: Sequence[str]) -> str:
    version = override.exact_version.partition("+")[0]
    if not version:
        file = f"{wanted[0]}.in" if any(map(is_named, wanted)) else OVERRIDES.name
        raise ToolError(
            f"requirements/{file} must give {override.name} one exact version, such as "
            f"{override.name}==X.Y.Z."
        )
    return version


def _index(base: str, name: str) -> str:
    """Return where a build's wheels are; a folder may hold one folder for each index, or wheels."""
    if "://" in base:
        return f"{base.rstrip('/')}/{name}"
    inner = Path(base) / name
    return str(inner) if inner.is_dir() else base
