"""The context of the checks: this machine and this project, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envkeep.doctor.finding import Finding, NotKnownError
from envkeep.doctor.installed import InstalledPackages
from envkeep.environments.store import DEVELOPMENT, Kind
from envkeep.hardware.catalog import Row
from envkeep.hardware.gpu import Gpu
from envkeep.hardware.host import Host
from envkeep.hardware.machine import Machine
from envkeep.project.former_tools import FormerName
from envkeep.project.target import Target


@dataclass(frozen=True)
class ExaminedEnvironment:
    """An active environment and its contents.

    Attributes:
        kind: Whether it is for development, production or an exporter.
        name: The name of its folder.
        python: Version of its Python as ``major.minor``.
        starts: Whether its interpreter starts and is of that version.
        python_problem: How its interpreter differs from the one that it was made with, in words.
        fits_locks: Whether it holds what the locks of this machine's target say.
        fits_project: Whether the project's own package in it is up to date.
        torch: Version of torch in it with the build's label, or None.
        packages: What is in it.
        locked: The versions that the locks say, by package; an empty text for an address. None if
            there are no locks.
        own: Names of the project itself, which no lock has.
    """

    kind: Kind
    name: str
    python: str
    starts: bool = True
    python_problem: str = ""
    fits_locks: bool = True
    fits_project: bool = True
    torch: str | None = None
    packages: InstalledPackages = field(default_factory=InstalledPackages)
    locked: Mapping[str, str] | None = None
    own: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LockState:
    """The locks of this machine's target.

    Attributes:
        there: Whether there are any.
        missing: Layers that have none.
        fresh: Whether they were compiled from the requirements as they are now.
        torch: The version of torch that they pin, with the build's label, or None.
        deleted: The files of those that are missing which git has.
        adds_only: Whether compiling them moves no version: no other lock of this machine is stale
            or not whole, and git has none of those that are missing.
        others: Folders of other targets' locks that are stale or not whole.
    """

    there: bool = True
    missing: tuple[str, ...] = ()
    fresh: bool = True
    torch: str | None = None
    deleted: tuple[str, ...] = ()
    adds_only: bool = True
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataState:
    """The data files that the project's manifest lists.

    Attributes:
        listed: How many there are.
        missing: Those that are not there.
        changed: Those that are not the listed ones.
        damaged: Whether the manifest cannot be read.
        hashed: Whether the contents were compared, or only the sizes.
    """

    listed: int = 0
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    damaged: bool = False
    hashed: bool = False


@dataclass(frozen=True)
class Secret:
    """A secret in a tracked file; its text is not stored.

    Attributes:
        place: The file, with the line if it is in a text.
        kind: What it is.
    """

    place: str
    kind: str


@dataclass(frozen=True)
class Leftovers:
    """The leftovers of interrupted commands in ``.venvs``.

    Attributes:
        half_made: Environments that were never completed.
        moved: Environments that were made where the project lay before.
        busy: Whether another command is at work, to which the half-made ones belong.
    """

    half_made: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    busy: bool = False


@dataclass(frozen=True)
class DoctorContext:
    """This machine and this project as the checks see them.

    Attributes:
        machine: What was detected.
        gpus: The graphics devices that their drivers know of.
        vendors: The backends of all graphics devices, those without a driver included.
        nvidia_smi: What ``nvidia-smi`` says when it fails.
        host: What surrounds the graphics devices.
        target: What this machine installs, or None if that cannot be told.
        reason: Why it is this target.
        judged: The backends of the project whose hardware is to be judged here.
        python: The project's Python as ``major.minor``.
        python_here: Whether that Python is on this machine, or may be.
        locks: The locks of the target.
        environments: The active environments.
        torch: The version of torch that the target takes, or None if the project has none.
        variables: The environment variables.
        folder: The project's folder.
        full: Whether torch is started on the CPU too.
        data: The data files of the manifest, or None if the project has none.
        secrets: What is secret in files that git tracks, or None if git could not be asked.
        lacks_hooks: Whether git could run the project's checks at every commit, and does not.
        leftovers: What interrupted commands left behind.
        former_names: What still names the tools of before.
        troubles: What went wrong while all this was collected.
    """

    machine: Machine
    gpus: tuple[Gpu, ...] = ()
    vendors: frozenset[str] = frozenset()
    nvidia_smi: str | None = None
    host: Host = field(default_factory=Host)
    target: Target | None = None
    reason: str = ""
    judged: tuple[str, ...] = ()
    python: str | None = None
    python_here: bool = True
    locks: LockState | None = None
    environments: tuple[ExaminedEnvironment, ...] = ()
    torch: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)
    full: bool = False
    data: DataState | None = None
    secrets: tuple[Secret, ...] | None = None
    lacks_hooks: bool = False
    leftovers: Leftovers = field(default_factory=Leftovers)
    former_names: tuple[FormerName, ...] = ()
    troubles: tuple[Finding, ...] = ()

    @property
    def backend(self) -> str:
        """The backend of the target.

        Raises:
            NotKnownError: The target is not known.
        """
        return self._target.backend

    @property
    def build(self) -> Row:
        """The build of torch for the target.

        Raises:
            NotKnownError: The target is not known.
        """
        return self._target.build

    @property
    def development(self) -> ExaminedEnvironment | None:
        """The active development environment, or None."""
        return next((found for found in self.environments if found.kind is DEVELOPMENT), None)

    def build_of(self, backend: str) -> Row:
        """Return the project's build of torch for one of its backends."""
        return Target(self.machine.platform, backend).build

    def make(self, *targets: str) -> str:
        """Return the command that makes targets one after the other, for this backend."""
        backend = self.variables.get("BACKEND", "").strip()
        suffix = f" BACKEND={backend}" if backend else ""
        return " && ".join(f"make {target}{suffix}" for target in targets)

    def gpus_of(self, backend: str) -> list[Gpu]:
        """Return the graphics devices for a backend."""
        return [gpu for gpu in self.gpus if gpu.backend == backend]

    @property
    def _target(self) -> Target:
        if self.target is None:
            raise NotKnownError
        return self.target
