"""Targets of the project, and the one of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from envkeep.errors import ToolError
from envkeep.hardware import catalog
from envkeep.hardware.catalog import Row
from envkeep.hardware.machine import gpus
from envkeep.inputs import in_ci
from envkeep.project import named_environments
from envkeep.project.metadata import machine, project_metadata
from envkeep.project.named_environments import NamedEnvironment
from envkeep.project.requirements import RAY, exporters

CPU = "cpu"


@dataclass(frozen=True)
class Target:
    """The target of one folder of locks.

    Attributes:
        platform: Operating system and architecture, such as ``linux-x86_64``.
        backend: What computes, such as ``cuda``.
    """

    platform: str
    backend: str

    @property
    def name(self) -> str:
        """Name of the folder of its locks."""
        return f"{self.platform}-{self.backend}"

    @property
    def build(self) -> Row:
        """The build of torch that the project uses for the backend."""
        return catalog.build(project_metadata()["builds"][self.backend])


@dataclass(frozen=True)
class Choice:
    """The target of this machine and why it is this one, as the end of a sentence."""

    target: Target
    reason: str


def declared() -> tuple[str, ...]:
    """Return the project's backends in the catalog's order."""
    return tuple(project_metadata()["builds"])


def targets() -> tuple[Target, ...]:
    """Return every target of the project: each backend on all platforms that its build serves."""
    found = (Target(row["platform"], name) for name in declared() for row in catalog.platforms())
    return tuple(target for target in found if _has_wheels(target))


def targets_here() -> tuple[Target, ...]:
    """Return the targets that this machine compiles itself: for the CPU and for its own backend."""
    return tuple(dict.fromkeys((for_cpu(), chosen().target)))


def for_cpu() -> Target:
    """Return this machine's target for the CPU, which every project has."""
    return _target(CPU)


def exporters_of(target: Target) -> tuple[str, ...]:
    """Return the exporters that are locked with a target: all with the CPU, Ray with each."""
    return tuple(each for each in exporters() if each == RAY or target.backend == CPU)


def of_exporter(exporter: str) -> Target:
    """Return the target for an exporter: the CPU, on which all work; Ray trains as the project."""
    return chosen().target if exporter == RAY else for_cpu()


def named_of(target: Target) -> tuple[str, ...]:
    """Return the environments by name that are locked with a target.

    Raises:
        ToolError: The file of one is not what such a file must be.
    """
    found = named_environments.all_named()
    return tuple(each.lock for each in found if _is_for(each, target))


def locked_alone(target: Target) -> tuple[str, ...]:
    """Return all that is locked with a target beside its layers, each alone."""
    return (*exporters_of(target), *named_of(target))


def alone_here() -> dict[str, Target]:
    """Return all that is locked alone and serves this machine, with the target that does."""
    found = {each: of_exporter(each) for each in exporters()}
    named = {each.lock: _here(each) for each in named_environments.all_named()}
    return {**found, **{name: target for name, target in named.items() if target}}


def of_named(lock: str) -> Target:
    """Return this machine's target for an environment by name: its own backend, or the CPU.

    Raises:
        ToolError: The environment is for other machines.
    """
    found = named_environments.find(lock)
    target = _here(found)
    if target is None:
        choice = chosen()
        raise ToolError(
            f"the environment {found.name} is for {' and '.join(found.backends)} on "
            f"{', '.join(found.platforms)}, and this machine is {choice.target.name} "
            f"({choice.reason}): make it on another one, or change the first lines of "
            f"requirements/{lock}.in."
        )
    return target


def _here(found: NamedEnvironment) -> Target | None:
    """Return the first target of this machine that an environment by name is for."""
    return next((each for each in reversed(targets_here()) if _is_for(found, each)), None)


def _is_for(found: NamedEnvironment, target: Target) -> bool:
    return target.backend in found.backends and target.platform in found.platforms


@cache
def chosen() -> Choice:
    """Choose the target for this machine.

    ``BACKEND`` decides; without it continuous integration takes the CPU, and every other machine
    the first of the project's backends that it has the hardware and the driver for.

    Raises:
        ToolError: ``BACKEND`` names something that the project or this platform does not have.
    """
    wanted = os.environ.get("BACKEND", "").strip()
    if wanted:
        return Choice(_required(wanted), "as BACKEND says")
    if in_ci():
        return Choice(_required(CPU), "as in every continuous integration; BACKEND overrides it")
    candidates = [name for name in declared() if _has_wheels(_target(name))]
    reasons = []
    for name in candidates:
        fits, reason = _judge(name)
        if fits:
            return Choice(_target(name), reason)
        reasons.append(reason)
    return Choice(_required(CPU), "; ".join(filter(None, reasons)) or "nothing else is in use here")


def _judge(name: str) -> tuple[bool, str]:
    """Tell whether this machine has what a backend needs, and say what was found or is missing."""
    if name == CPU:
        return False, ""
    if not machine().drives(name):
        return False, f"no {catalog.backend(name)['title']} was found"
    build = _target(name).build
    if name != "cuda":
        return True, f"an {catalog.backend(name)['title']} was found"
    if machine().jetson and not _has_code_for_board(build):
        return False, f"{build['title']} is not for this Jetson board: see `make doctor`"
    floor = catalog.driver_floor(build, machine())
    driver = f"NVIDIA driver {machine().nvidia_driver}"
    if catalog.driver_serves(build, machine()):
        return True, f"{driver} was found, {build['title']} needs {floor} or newer"
    return False, f"{driver} is too old, {build['title']} needs {floor} or newer: see `make doctor`"


def _has_code_for_board(build: Row) -> bool:
    """Tell whether a build for servers has code for exactly this board's GPU."""
    codes = build["gpu_targets"].get(machine().platform, [])
    return any(gpu.target in codes for gpu in gpus(machine()))


def _target(name: str) -> Target:
    return Target(machine().platform, name)


def _has_wheels(target: Target) -> bool:
    return "torch" not in project_metadata() or target.platform in target.build["wheels"]


def _required(name: str) -> Target:
    """Return this machine's target for a backend.

    Raises:
        ToolError: The project does not have it, or it does not exist on this platform.
    """
    if name not in declared():
        raise ToolError(
            f"{name} is not among this project's backends ({', '.join(declared())}); take one of "
            f"them, or add it with `make update ARGS=\"--data 'backends=[..., {name}]'\"`."
        )
    target = _target(name)
    if not _has_wheels(target):
        served = ", ".join(target.build["wheels"])
        raise ToolError(f"torch has no {name} build for {machine().platform}; it has for {served}.")
    return target
