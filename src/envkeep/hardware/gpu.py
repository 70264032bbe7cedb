"""Detect graphics devices and their drivers, vendor by vendor.

It reads files and runs vendors' own commands, never imports a framework, and answers "nothing
found" instead of failing.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envkeep.files import text_of
from envkeep.process import Completed, run

ROOT = Path("/")
NVIDIA_DRIVER_FILES = ("sys/module/nvidia/version", "proc/driver/nvidia/version")
NVIDIA_SMI_IN_WSL = "usr/lib/wsl/lib/nvidia-smi"
NVIDIA_FIELDS = ("memory.total", "memory.free", "name")
UNKNOWN = r"\[?[A-Za-z/ ]+\]?"  # how nvidia-smi says that it cannot tell
NVIDIA_GPU = re.compile(
    rf"^(?P<capability>\d+\.\d+|{UNKNOWN}), (?P<memory>\d+|{UNKNOWN}), (?P<free>\d+|{UNKNOWN}), "
    r"(?P<name>\S.*)$",
    re.MULTILINE,
)
AMD_DEVICE = "dev/kfd"
AMD_NODES = "sys/class/kfd/kfd/topology/nodes"
RENDER_NODES = "sys/class/drm"
INTEL_VENDOR = "0x8086"
PCI_VENDORS = {"0x10de": "cuda", "0x1002": "rocm", INTEL_VENDOR: "xpu"}
PCI_DISPLAY = "0x03"  # how the class of every display controller begins
MIB = 1024**2
PATIENCE = 10  # seconds; a driver without its daemon takes some to wake up a machine's GPUs


@dataclass(frozen=True)
class Gpu:
    """A graphics device.

    Attributes:
        backend: The backend of torch that it is for: ``cuda``, ``rocm``, ``xpu`` or ``mps``.
        name: What its vendor calls it, as far as the system tells.
        target: What code must be compiled for: NVIDIA's compute capability or AMD's gfx name; None
            if the system does not tell.
        memory: Its own memory in bytes; None if unknown, as for one that shares the system's.
        free: How much of it is free, in bytes.
    """

    backend: str
    name: str
    target: str | None = None
    memory: int | None = None
    free: int | None = None


def nvidia_complaint(root: Path = ROOT) -> str | None:
    """Return what ``nvidia-smi`` says when it fails, None if it is missing or works."""
    done = _ask_nvidia(root, "name")
    return f"{done.text}{done.errors}".strip() if done and done.code else None


def display_vendors(root: Path = ROOT) -> frozenset[str]:
    """Return the backends whose vendors made a graphics device in here, with or without driver."""
    devices = (root / "sys/bus/pci/devices").glob("*")
    displays = [each for each in devices if text_of(each / "class").startswith(PCI_DISPLAY)]
    vendors = {text_of(each / "vendor").strip() for each in displays}
    return frozenset(PCI_VENDORS[vendor] for vendor in vendors if vendor in PCI_VENDORS)


def nvidia_driver(root: Path) -> str | None:
    """Return the version of NVIDIA's driver, or None where there is none."""
    for name in NVIDIA_DRIVER_FILES:
        line = text_of(root / name).partition("\n")[0]  # the next names the compiler's version
        found = re.search(r"\b\d{3,}\.\d+(?:\.\d+)?\b", line)
        if found:
            return found.group()
    done = _ask_nvidia(root, "driver_version")
    found = re.match(r"\d+(?:\.\d+)*", done.answer) if done else None
    return found.group() if found else None


def nvidia_gpus(root: Path) -> Iterator[Gpu]:
    """Yield the GPUs that ``nvidia-smi`` lists."""
    done = _ask_nvidia(root, "compute_cap", *NVIDIA_FIELDS)
    text = done.text if done else ""
    if done and done.code and "compute_cap" in f"{text}{done.errors}":  # older ones do not know it
        done = _ask_nvidia(root, *NVIDIA_FIELDS)
        text = re.sub("^", "[N/A], ", done.text, flags=re.M) if done else ""
    if done and not done.code:
        for found in NVIDIA_GPU.finditer(text):
            yield Gpu(
                "cuda",
                found["name"].strip(),
                found["capability"] if found["capability"][0].isdecimal() else None,
                _mebibytes(found["memory"]),
                _mebibytes(found["free"]),
            )


def _mebibytes(number: str) -> int | None:
    return int(number) * MIB if number.isdecimal() else None


def _ask_nvidia(root: Path, *fields: str) -> Completed | None:
    windows = Path(os.environ.get("SYSTEMROOT", root / "Windows"), "System32", "nvidia-smi.exe")
    places = (path for path in (root / NVIDIA_SMI_IN_WSL, windows) if path.is_file())
    program = shutil.which("nvidia-smi") or next(places, None)
    if program is None:
        return None
    options = (f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits")
    return ask(str(program), *options)


def ask(*command: str) -> Completed:
    """Return the output of a vendor's program, if it answers in time."""
    return run(command, mode="probe", timeout=PATIENCE)


def amd_gpus(root: Path) -> Iterator[Gpu]:
    """Yield the GPUs that AMD's kernel driver lists."""
    nodes = [path for path in (root / AMD_NODES).glob("*") if path.name.isdigit()]
    for node in sorted(nodes, key=lambda path: int(path.name)):
        properties = _properties(node / "properties")
        if properties.get("simd_count"):
            yield _amd_gpu(root, node, properties)


def _amd_gpu(root: Path, node: Path, properties: dict[str, int]) -> Gpu:
    device = root / RENDER_NODES / f"renderD{properties.get('drm_render_minor')}" / "device"
    memory = _number(device / "mem_info_vram_total") or _local_memory(node)
    used = _number(device / "mem_info_vram_used")
    return Gpu(
        "rocm",
        text_of(device / "product_name").strip() or "AMD GPU",
        gfx_name(properties.get("gfx_target_version", 0)),
        memory,
        memory - used if memory and used is not None else None,
    )


def gfx_name(version: int) -> str | None:
    """Return the gfx name for AMD's number: 90010 is major 9, minor 0, step 10, written ``a``."""
    major, minor, step = version // 10000, version // 100 % 100, version % 100
    return f"gfx{major}{minor:x}{step:x}" if major else None


def _local_memory(node: Path) -> int | None:
    """Return the size of a GPU's own memory: kinds 1 and 2 of the kernel's heap types."""
    banks = [_properties(path) for path in node.glob("mem_banks/*/properties")]
    return sum(b.get("size_in_bytes", 0) for b in banks if b.get("heap_type") in (1, 2)) or None


def _properties(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"^(\w+) (\d+)$", text_of(path), re.M)}


def _number(path: Path) -> int | None:
    text = text_of(path).strip()
    return int(text) if text.isdecimal() else None


def has_amd(root: Path) -> bool:
    """Tell whether AMD's compute device is there."""
    return (root / AMD_DEVICE).exists()


def intel_gpus(root: Path) -> Iterator[Gpu]:
    """Yield Intel's graphics devices."""
    for device in _intel_devices(root):
        yield Gpu("xpu", f"Intel graphics {device}")


def _intel_devices(root: Path) -> Iterator[str]:
    """Yield the PCI device numbers of Intel's graphics."""
    for vendor in sorted((root / RENDER_NODES).glob("renderD*/device/vendor")):
        if text_of(vendor).strip() == INTEL_VENDOR:
            yield text_of(vendor.with_name("device")).strip() or "device"


def apple_gpu() -> Gpu:
    """Return the GPU of an Apple chip."""
    chip = ask("sysctl", "-n", "machdep.cpu.brand_string").answer
    return Gpu("mps", chip or "Apple GPU")
