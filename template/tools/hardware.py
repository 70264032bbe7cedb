# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Detect the machine: operating system, architecture and graphics devices.

The only module that detects. It reads files and runs vendors' own commands, never imports a
framework, and answers "nothing found" instead of failing.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SYSTEMS = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
NVIDIA_DRIVER_FILES = ("sys/module/nvidia/version", "proc/driver/nvidia/version")
AMD_DEVICE = "dev/kfd"
INTEL_VENDOR = "0x8086"


@dataclass(frozen=True)
class Machine:
    """What was found on this machine.

    Attributes:
        system: ``linux``, ``macos``, ``windows``, or Python's own name for another one.
        architecture: ``x86_64``, ``arm64``, or Python's own name for another one.
        nvidia_driver: Version of the NVIDIA driver, or None.
        amd: Whether AMD's compute device is there.
        intel: Whether a graphics device of Intel is there.
    """

    system: str
    architecture: str
    nvidia_driver: str | None = None
    amd: bool = False
    intel: bool = False

    @property
    def platform(self) -> str:
        """Name of the platform as it stands in the names of lock folders."""
        return f"{self.system}-{self.architecture}"

    @property
    def apple_gpu(self) -> bool:
        """Whether the machine has Apple's own GPU."""
        return self.platform == "macos-arm64"

    def describe(self) -> str:
        """Return one line for people."""
        devices = [f"NVIDIA driver {self.nvidia_driver}"] if self.nvidia_driver else []
        devices += ["AMD GPU"] if self.amd else []
        devices += ["Intel graphics"] if self.intel else []
        devices += ["Apple GPU"] if self.apple_gpu else []
        return f"{self.platform}, {' and '.join(devices) if devices else 'no GPU found'}"


def detect(root: Path = Path("/")) -> Machine:
    """Look at this machine.

    Args:
        root: The folder that stands for the file system's root; tests give recorded files.
    """
    system = platform.system()
    machine = platform.machine()
    return Machine(
        system=SYSTEMS.get(system, system.lower()),
        architecture=ARCHITECTURES.get(machine.lower(), machine.lower()),
        nvidia_driver=_nvidia_driver(root),
        amd=(root / AMD_DEVICE).exists(),
        intel=_has_intel_graphics(root),
    )


def _nvidia_driver(root: Path) -> str | None:
    for name in NVIDIA_DRIVER_FILES:
        found = re.search(r"\b\d{3,}\.\d+(?:\.\d+)?\b", _text(root / name))
        if found:
            return found.group()
    return _nvidia_driver_from_command()


def _nvidia_driver_from_command() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"\d[\d.]*", done.stdout.strip())
    return found.group() if done.returncode == 0 and found else None


def _has_intel_graphics(root: Path) -> bool:
    return any(
        _text(vendor).strip() == INTEL_VENDOR
        for vendor in (root / "sys/class/drm").glob("renderD*/device/vendor")
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
