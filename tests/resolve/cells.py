"""The cells of the catalog: every build of torch, on every platform, with every offered Python."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import pytest
from packaging.utils import canonicalize_name

from envkeep.hardware.machine import detect
from maintain.stack.data import load_pythons, offered_pythons
from maintain.stack.pins import marker_environment
from maintain.stack.rows import Build
from tests.support.catalog import STACK, checked_builds, torch_version

HERE = detect().platform
THIS_PYTHON = "{}.{}".format(*sys.version_info)
OFFERED = tuple(offered_pythons(load_pythons(STACK)))
PYTHON = THIS_PYTHON if THIS_PYTHON in OFFERED else OFFERED[0]
"""The Python of most tests: an offered one that is here, as the tests run in it."""


@dataclass(frozen=True)
class Cell:
    """A build of torch on a platform with one Python."""

    row: Build
    platform: str
    python: str

    @property
    def build(self) -> str:
        """Name of the build."""
        return self.row.build

    @property
    def backend(self) -> str:
        """Name of the backend that the build is for."""
        return self.row.backend

    @property
    def target(self) -> str:
        """Name of the folder of locks."""
        return f"{self.platform}-{self.backend}"

    @property
    def torch(self) -> str:
        """torch's version with the label of the build."""
        return torch_version() + self.row.wheels[self.platform].local_version

    def __str__(self) -> str:
        """Return the name of the cell in the names of tests."""
        return f"{self.build}-{self.platform}-py{self.python}"

    def hardware_packages(self) -> set[str]:
        """Return the packages that this build of torch needs here and the CPU build does not."""
        environment = marker_environment(self.python, self.platform)
        return {
            canonicalize_name(each.name)
            for each in self.row.requirements
            if each.marker is None or each.marker.evaluate(dict(environment))
        }


def cells() -> list[Cell]:
    """Return all cells that torch has a wheel for."""
    return [
        Cell(row, platform, python)
        for row in checked_builds()
        for platform, wheels in row.wheels.items()
        for python in OFFERED
        if python in wheels.pythons
    ]


def representative(backend: str) -> Cell:
    """Return the cell that stands for a backend: its default build, on its first platform."""
    row = next(row for row in checked_builds() if row.backend == backend)
    return Cell(row, next(iter(row.wheels)), PYTHON)


def parameters() -> list[object]:
    """Return all cells as parameters; all are slow but one of each backend."""
    return [pytest.param(cell, id=str(cell), marks=_marks(cell)) for cell in cells()]


def one_of_each_build() -> list[object]:
    """Return each build on its first platform, and the CPU's on macOS, where it has no label."""
    found = [Cell(row, next(iter(row.wheels)), PYTHON) for row in checked_builds()]
    found.append(replace(representative("cpu"), platform="macos-arm64"))
    groups = [pytest.mark.xdist_group(f"resolve-{cell.build}") for cell in found]
    return [
        pytest.param(cell, id=str(cell), marks=group)
        for cell, group in zip(found, groups, strict=True)
    ]


def _marks(cell: Cell) -> list[pytest.MarkDecorator]:
    if cell == representative(cell.backend):
        return [pytest.mark.xdist_group("resolve")]
    return [pytest.mark.slow, pytest.mark.xdist_group(f"resolve-{cell.build}")]
