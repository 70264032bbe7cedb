"""Projects that are locked for other machines and never installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from maintain.stack.pins import Pin, by_name, parse_pins
from tests.lifecycle.projects import PLATFORM_LOCKS, Project, succeeded
from tests.resolve.cells import Cell
from tests.support.copier_runs import Answers, render
from tests.support.engine import variables

TOOLCHAIN = "from envkeep.toolchain import locking_tools as toolchain; print(toolchain.ensure())"
LAYERS = ("10-torch", "20-train", "30-prod", "40-dev", "50-lint")
OWN_PACKAGE = "tomli-w"  # no pin of the stack holds it
SMALL_LAYERS = (
    "-r stack/10-torch.in\ntorchvision\n",
    "numpy\n",
    "numpy\n",
    f"{OWN_PACKAGE}\n",
    f"{OWN_PACKAGE}\n",
)


@dataclass(frozen=True)
class Locks:
    """The locks of one target.

    Attributes:
        texts: The bytes of each file by its name without suffix, ``constraints`` included.
    """

    texts: Mapping[str, bytes]

    @classmethod
    def of(cls, project: Project, target: str) -> Locks:
        """Read a folder of locks."""
        folder = project.folder / PLATFORM_LOCKS / target
        return cls({path.stem: path.read_bytes() for path in sorted(folder.glob("*.txt"))})

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that have a lock, in order."""
        return tuple(name for name in self.texts if name != "constraints")

    def pins(self, name: str) -> list[Pin]:
        """Return the entries of one file."""
        return parse_pins(self.texts[name].decode())

    def versions(self, name: str) -> dict[str, str]:
        """Return the versions in one file by package."""
        return {pin.name: str(pin.version) for pin in self.pins(name)}

    def entries(self) -> list[Pin]:
        """Return the entries of all layers."""
        return [pin for layer in self.layers for pin in self.pins(layer)]

    def hashes(self, package: str) -> set[str]:
        """Return the SHA-256 values that the layers admit for a package."""
        entries = by_name(self.entries()).get(package, [])  # type: ignore[call-overload]
        return {each.removeprefix("sha256:") for pin in entries for each in pin.hashes}

    def all_hashes(self) -> set[str]:
        """Return all SHA-256 values that the layers admit."""
        return {each.removeprefix("sha256:") for pin in self.entries() for each in pin.hashes}


class Workshop:
    """Renders projects, and gives them the pinned tools, which are made once for each Python."""

    def __init__(self, template: Path, folder: Path, torch_index: str) -> None:
        """Render from a template into a folder, with an index for torch's wheels."""
        self._template, self._folder, self._torch_index = template, folder, torch_index
        self._toolchains: dict[str, Path] = {}
        self._kept: dict[tuple[str, str], Project] = {}

    def shared(self, cell: Cell) -> Project:
        """Return the project for a cell's build and Python; tests only add locks to it."""
        key = (cell.build, cell.python)
        if key not in self._kept:
            self._kept[key] = self.fresh(cell)
        return self._kept[key]

    def fresh(
        self, cell: Cell, *, torch_index: str | None = None, more: Answers | None = None
    ) -> Project:
        """Return a new project for a cell's build and Python; its test may change it."""
        number = len(list(self._folder.iterdir()))
        answers = {
            "python_version": cell.python,
            "torch_index": torch_index or self._torch_index,
            "backends": ["cpu"] if cell.backend == "cpu" else ["cpu", cell.backend],
            **build_answers(cell),
            **(more or {}),
        }
        project = Project(self._folder / f"project-{number}")
        render(self._template, project.folder, answers)
        self._equip(project, cell.python)
        return project

    def _equip(self, project: Project, python: str) -> None:
        made = self._toolchains.get(python)
        if made is None:
            self._toolchains[python] = _make_toolchain(project, python)
            return
        environments = project.folder / ".venvs"
        environments.mkdir()
        (environments / made.name).symlink_to(made, target_is_directory=True)


def small(project: Project) -> Project:
    """Give a project layers that resolve fast: torch, a companion, and packages of its own."""
    for layer, text in zip(LAYERS, SMALL_LAYERS, strict=True):
        (project.folder / "requirements" / f"{layer}.in").write_text(text, encoding="utf-8")
    return project


def build_answers(cell: Cell) -> dict[str, str]:
    """Return the answer that chooses a build, where the backend has several."""
    return {f"{cell.backend}_build": cell.build} if cell.backend in ("cuda", "rocm") else {}


def lock_all(project: Project, cell: Cell, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command that locks one target, whatever its exit code."""
    options = ("--platform", cell.platform, "--backend", cell.backend)
    return project.tools("lock-all", *options, **variables)


def locked(project: Project, cell: Cell, **variables: str) -> Locks:
    """Lock one target, which must succeed."""
    succeeded(lock_all(project, cell, **variables))
    return Locks.of(project, cell.target)


@dataclass(frozen=True)
class LockedProject:
    """A project and its locks; commands that fail, or find the same, leave them alone."""

    project: Project
    cell: Cell
    locks: Locks

    @classmethod
    def of(cls, project: Project, cell: Cell) -> LockedProject:
        """Lock a project for one target."""
        return cls(project, cell, locked(project, cell))


def _make_toolchain(project: Project, python: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", TOOLCHAIN],
        cwd=project.folder,
        env=variables(project.folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if f"Python {python} is not on this machine" in done.stderr:
        pytest.skip(f"there is no Python {python} on this machine")
    return Path(succeeded(done).stdout.splitlines()[-1])
