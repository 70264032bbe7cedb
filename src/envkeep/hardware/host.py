"""Inspect the host of the graphics devices: memory, disk, containers, permissions.

Like ``gpu.py`` it reads files, and answers "nothing found" instead of failing.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envkeep.files import text_of
from envkeep.hardware.gpu import ROOT, ask
from envkeep.hardware.machine import Machine

KIB = 1024
CONTAINER_MARKS = (".dockerenv", "run/.containerenv")
CONTAINER_ENGINES = ("docker", "podman")
NVIDIA_TOOLKIT = ("nvidia-ctk", "nvidia-container-runtime")
CDI_FOLDERS = ("etc/cdi", "var/run/cdi")
DOCKER_SETTINGS = "etc/docker/daemon.json"


@dataclass(frozen=True)
class Device:
    """A device file.

    Attributes:
        path: Its path.
        group: The name or number of the group that it belongs to, if it can be told.
        open: Whether this user may read and write it.
    """

    path: str
    group: str | None
    open: bool


@dataclass(frozen=True)
class Host:
    """The host of the graphics devices.

    Attributes:
        memory: Size of the main memory in bytes, or what this container may use; None if unknown.
        memory_free: How much of it programs can still take, in bytes.
        disk_free: Room where the project lies, in bytes.
        libc: Version of the C library if it is glibc, which torch's Linux wheels ask for.
        in_container: Whether this is a container.
        engines: Programs here that run containers.
        nvidia_toolkit: Whether NVIDIA's container toolkit is installed.
        nvidia_in_containers: Whether an engine was told to hand NVIDIA's GPUs to containers.
        devices: The device files through which GPUs are used.
    """

    memory: int | None = None
    memory_free: int | None = None
    disk_free: int | None = None
    libc: str | None = None
    in_container: bool = False
    engines: tuple[str, ...] = ()
    nvidia_toolkit: bool = False
    nvidia_in_containers: bool = False
    devices: tuple[Device, ...] = ()


def look(machine: Machine, project: Path, root: Path = ROOT) -> Host:
    """Inspect this machine.

    Args:
        machine: What ``hardware.detect`` found.
        project: The project's folder, whose disk counts.
        root: The folder that stands for the file system's root; tests give recorded files.
    """
    size, free = _mac_memory() if machine.system == "macos" else _linux_memory(root)
    return Host(
        memory=size,
        memory_free=free,
        disk_free=_disk_free(project),
        libc=_glibc(),
        in_container=any((root / mark).exists() for mark in CONTAINER_MARKS),
        engines=tuple(name for name in CONTAINER_ENGINES if shutil.which(name)),
        nvidia_toolkit=any(shutil.which(name) for name in NVIDIA_TOOLKIT),
        nvidia_in_containers=_nvidia_in_containers(root),
        devices=tuple(_devices(root)),
    )


def _linux_memory(root: Path) -> tuple[int | None, int | None]:
    found = re.findall(r"^(\w+):\s+(\d+) kB$", text_of(root / "proc/meminfo"), re.MULTILINE)
    facts = {name: int(size) * KIB for name, size in found}
    limit = text_of(root / "sys/fs/cgroup/memory.max").strip()
    size, free = facts.get("MemTotal"), facts.get("MemAvailable")
    if limit.isdecimal() and size:
        size, free = min(size, int(limit)), min(free or size, int(limit))
    return size, free


def _mac_memory() -> tuple[int | None, int | None]:
    size = ask("sysctl", "-n", "hw.memsize").answer
    return (int(size) if size.isdecimal() else None), None


def _disk_free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _glibc() -> str | None:
    try:
        name, version = platform.libc_ver()
    except OSError:
        return None
    return version if name == "glibc" and version else None


def _nvidia_in_containers(root: Path) -> bool:
    described = [path for folder in CDI_FOLDERS for path in (root / folder).glob("*nvidia*")]
    return bool(described) or '"nvidia"' in text_of(root / DOCKER_SETTINGS)


def _devices(root: Path) -> Iterator[Device]:
    folder = root / "dev"
    patterns = ("kfd", "dxg", "nvidiactl", "nvidia[0-9]*", "dri/renderD*")
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        may = os.access(path, os.R_OK | os.W_OK)
        yield Device(f"/{path.relative_to(root).as_posix()}", _group(path), may)


if sys.platform == "win32":

    def _group(path: Path) -> str | None:
        """Return None: Windows has no groups of this kind."""
        return None

else:

    def _group(path: Path) -> str | None:
        try:
            return path.group()
        except KeyError:  # a container need not know the names of its host's groups
            return str(path.stat().st_gid)
        except OSError:
            return None
