"""Detect the machine: operating system, architecture and graphics devices.

``gpu.py`` detects each vendor's devices, ``host.py`` what surrounds them; nothing else detects.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from envkeep.files import text_of
from envkeep.hardware.gpu import (
    ROOT,
    Gpu,
    amd_gpus,
    apple_gpu,
    has_amd,
    intel_gpus,
    nvidia_driver,
    nvidia_gpus,
)

SYSTEMS = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Machine:
    """The detected machine.

    Attributes:
        system: ``linux``, ``macos``, ``windows``, or Python's own name for another one.
        architecture: ``x86_64``, ``arm64``, or Python's own name for another one.
        nvidia_driver: Version of the NVIDIA driver, or None.
        amd: Whether AMD's compute device is there.
        intel: Whether a graphics device of Intel is there.
        wsl: Whether this Linux runs inside Windows, whose drivers it uses.
        jetson: Whether this is one of NVIDIA's boards with its own Linux.
        macos: Version of macOS, or None.
    """

    system: str
    architecture: str
    nvidia_driver: str | None = None
    amd: bool = False
    intel: bool = False
    wsl: bool = False
    jetson: bool = False
    macos: str | None = None

    @property
    def platform(self) -> str:
        """Name of the platform as it stands in the names of lock folders."""
        return f"{self.system}-{self.architecture}"

    @property
    def driver_system(self) -> str:
        """The operating system that the graphics driver belongs to."""
        return "windows" if self.wsl else self.system

    @property
    def apple_gpu(self) -> bool:
        """Whether the machine has Apple's own GPU."""
        return self.platform == "macos-arm64"

    def drives(self, backend: str) -> bool:
        """Tell whether a GPU for a backend of torch was found together with its driver."""
        found = {"cuda": self.nvidia_driver is not None, "rocm": self.amd, "xpu": self.intel}
        return found.get(backend, backend == "mps" and self.apple_gpu)

    def describe(self) -> str:
        """Return a line for people."""
        devices = [f"NVIDIA driver {self.nvidia_driver}"] if self.nvidia_driver else []
        devices += ["AMD GPU"] if self.amd else []
        devices += ["Intel graphics"] if self.intel else []
        devices += ["Apple GPU"] if self.apple_gpu else []
        return f"{self.platform}, {' and '.join(devices) if devices else 'no GPU found'}"


def detect(root: Path = ROOT) -> Machine:
    """Look at this machine, as quickly as can be: it happens at every install.

    Args:
        root: The folder that stands for the file system's root; tests give recorded files.
    """
    system = platform.system()
    machine = platform.machine()
    kernel = text_of(root / "proc/sys/kernel/osrelease").lower()
    return Machine(
        system=SYSTEMS.get(system, system.lower()),
        architecture=ARCHITECTURES.get(machine.lower(), machine.lower()),
        nvidia_driver=nvidia_driver(root),
        amd=has_amd(root),
        intel=any(True for _ in intel_gpus(root)),
        wsl="microsoft" in kernel,
        jetson="tegra" in kernel or (root / "etc/nv_tegra_release").exists(),
        macos=platform.mac_ver()[0] or None,
    )


def gpus(machine: Machine, root: Path = ROOT) -> tuple[Gpu, ...]:
    """Return the graphics devices with what their drivers tell about them."""
    found = [*nvidia_gpus(root)] if machine.nvidia_driver else []
    found += [*amd_gpus(root)] if machine.amd else []
    found += [*intel_gpus(root)]
    found += [apple_gpu()] if machine.apple_gpu else []
    return tuple(found)
