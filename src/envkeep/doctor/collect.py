"""Collect the context of the checks; an unreadable part becomes a finding of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from envkeep.doctor import installed, project_files
from envkeep.doctor.context import DoctorContext, ExaminedEnvironment, Leftovers, LockState
from envkeep.doctor.finding import ERROR, WARNING, Finding
from envkeep.environments import integrity, store
from envkeep.environments.store import DEVELOPMENT, PRODUCTION, Kind, of_exporter
from envkeep.errors import ToolError
from envkeep.hardware import host
from envkeep.hardware import machine as hardware
from envkeep.hardware.gpu import ROOT as MACHINE_ROOT
from envkeep.hardware.gpu import Gpu, display_vendors, nvidia_complaint
from envkeep.hardware.host import Host
from envkeep.inputs import in_ci
from envkeep.locks.lock_set import Locks, pinned
from envkeep.locks.torch_builds import torch_build
from envkeep.paths import ROOT
from envkeep.project import former_tools
from envkeep.project import metadata as project
from envkeep.project import target as backends
from envkeep.project.requirements import PRODUCTION_LAYERS, layers
from envkeep.project.target import CPU, Target
from envkeep.toolchain import interpreters

Part = TypeVar("Part")
TARGET = "target"  # without it most checks have nothing to judge
PYTHON_MANAGERS = ("uv", "pyenv", "py")  # they may have a Python that is not on the PATH


class _Collector:
    """A collector that calls functions and records their errors."""

    def __init__(self) -> None:
        self.troubles: list[Finding] = []

    def get(self, what: str, function: Callable[[], Part], otherwise: Part) -> Part:
        """Return a function's result, or a default if it fails."""
        try:
            return function()
        except ToolError as error:
            self._note(ERROR, what, str(error))
        except Exception as error:  # the doctor must not die of what it examines
            reason = f"{type(error).__name__}: {error}"
            status = ERROR if what == TARGET else WARNING
            self._note(status, what, f"The {what} could not be examined ({reason}).")
        return otherwise

    def _note(self, status: str, what: str, message: str) -> None:
        if message not in [trouble.message for trouble in self.troubles]:
            finding = Finding(status, message, group="Project", check=what.replace(" ", "-"))
            self.troubles.append(finding)


def collect(*, full: bool = False, root: Path = MACHINE_ROOT) -> DoctorContext:
    """Look at this machine and this project.

    Args:
        full: Whether torch is to be started on the CPU too.
        root: The folder that stands for the file system's root; tests give recorded files.
    """
    part = _Collector()
    machine = project.machine()
    no_gpus: tuple[Gpu, ...] = ()
    gpus = part.get("GPUs", lambda: hardware.gpus(machine, root), no_gpus)
    silent = machine.nvidia_driver and not any(gpu.backend == "cuda" for gpu in gpus)
    choice = part.get(TARGET, backends.chosen, None)
    target = choice.target if choice else None
    version = part.get("Python", project.python_version, None)
    none: tuple[ExaminedEnvironment, ...] = ()
    return DoctorContext(
        machine=machine,
        gpus=gpus,
        vendors=part.get("display devices", lambda: display_vendors(root), frozenset()),
        nvidia_smi=nvidia_complaint(root) if silent else None,
        host=part.get("host", lambda: host.look(machine, ROOT, root), Host()),
        target=target,
        reason=choice.reason if choice else "",
        judged=part.get("backends", lambda: _judged(target), ()),
        python=version,
        python_here=version is None or _may_be_here(version),
        locks=part.get("locks", lambda: _lock_state(target), None),
        environments=part.get("environments", lambda: _environments(target), none),
        torch=part.get("version of torch", lambda: _torch_of(target), None),
        variables=dict(os.environ),
        folder=ROOT,
        full=full,
        data=part.get("data", lambda: project_files.data(hashed=full), None),
        secrets=part.get("tracked files", project_files.secrets, None),
        former_names=part.get("former tools", former_tools.names, ()),
        lacks_hooks=part.get("git hooks", project_files.lacks_hooks, False),
        leftovers=part.get("folder .venvs", project_files.leftovers, Leftovers()),
        troubles=tuple(part.troubles),
    )


def _judged(target: Target | None) -> tuple[str, ...]:
    """Return the target's backend; where the CPU is the fallback, all missing backends."""
    if target is None:
        return ()
    if target.backend != CPU:
        return (target.backend,)
    if in_ci() or os.environ.get("BACKEND", "").strip():
        return ()
    others = [Target(target.platform, name) for name in backends.declared() if name != CPU]
    return tuple(each.backend for each in others if each.platform in each.build["wheels"])


def _may_be_here(version: str) -> bool:
    running = ".".join(map(str, sys.version_info[:2]))
    programs = (f"python{version}", *PYTHON_MANAGERS)
    here = running == version or any(shutil.which(name) for name in programs)
    return here or interpreters.unpacked(version).exists()


def _lock_state(target: Target | None) -> LockState | None:
    if target is None:
        return None
    locks = Locks(target)
    files = [locks.file(layer) for layer in layers()]
    pins = [pinned(path).get("torch") for path in files if path.exists()]
    missing = tuple(locks.missing(layers()))
    deleted = project_files.deleted(locks.folder) if missing else ()
    here = [Locks(each) for each in backends.targets_here()]
    return LockState(
        there=any(path.exists() for path in files),
        missing=missing,
        fresh=locks.are_fresh(),
        torch=next(filter(None, pins), None),
        deleted=deleted,
        adds_only=not deleted and all(_is_absent(each) or each.are_fresh() for each in here),
        others=tuple(each.target.name for each in _others(target) if not each.are_fresh()),
    )


def _is_absent(locks: Locks) -> bool:
    return not any(locks.file(name).exists() for name in locks.names)


def _others(target: Target) -> list[Locks]:
    """Return the locks that are there for other targets."""
    found = [Locks(each) for each in backends.targets() if each != target]
    return [each for each in found if each.folder.exists()]


def _torch_of(target: Target | None) -> str | None:
    build = torch_build(target) if target else None
    return build.version if build else None


def _environments(target: Target | None) -> tuple[ExaminedEnvironment, ...]:
    found = (
        _environment(DEVELOPMENT, layers(), target),
        _environment(PRODUCTION, PRODUCTION_LAYERS, target),
        *(
            _environment(of_exporter(each), (each,), here)
            for each, here in backends.alone_here().items()
        ),
    )
    return tuple(each for each in found if each)


def _environment(
    kind: Kind, wanted: tuple[str, ...], target: Target | None
) -> ExaminedEnvironment | None:
    environment = store.active(kind)
    if environment is None:
        return None
    locks = Locks(target) if target else None
    whole = locks is not None and not locks.missing(wanted)
    fits = locks and whole and environment.lock_sha256 == locks.sha256(wanted)
    problem = integrity.problem_with_python(environment.folder, environment.python)
    return ExaminedEnvironment(
        kind=kind,
        name=environment.name,
        python=environment.python,
        starts=problem is None or not problem.breaks,
        python_problem=problem.text if problem else "",
        fits_locks=bool(fits),
        fits_project=environment.project_sha256 == store.project_hash(kind),
        torch=installed.torch_version(environment.folder),
        packages=installed.look(environment.folder),
        locked=integrity.locked(locks.require(wanted)) if locks and whole else None,
        own=project.own_names() if kind.project != "none" else frozenset(),
    )
