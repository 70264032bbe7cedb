"""Check the access of torch to a working GPU: permissions, variables, libraries, WSL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding
from envkeep.hardware import catalog
from envkeep.hardware.host import Device

DEVICE_FILES = {"cuda": "/dev/nvidia", "rocm": "/dev/dri/renderD", "xpu": "/dev/dri/renderD"}
AMD_DEVICE = "/dev/kfd"
WSL_DEVICE = "/dev/dxg"
HIDING = ("", "-1")
VISIBLE = {
    "cuda": ("CUDA_VISIBLE_DEVICES",),
    "rocm": ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"),
    "xpu": ("ZE_AFFINITY_MASK",),
}
LIBRARY_PATH = "LD_LIBRARY_PATH"
LIBRARIES = {
    "cuda": ("libcudart.so*", "libcublas.so*", "libcudnn.so*", "libnccl.so*"),
    "rocm": ("libamdhip64.so*", "libhsa-runtime64.so*"),
    "xpu": ("libsycl.so*",),
}


def devices(context: DoctorContext) -> Iterator[Finding]:
    """Tell whether the device files of the GPU are there and may be opened by this user."""
    backend = context.backend
    if context.machine.system != "linux" or not context.machine.drives(backend):
        return
    beginning = WSL_DEVICE if context.machine.wsl else DEVICE_FILES[backend]
    files = [each for each in context.host.devices if each.path.startswith(beginning)]
    if backend == "rocm":
        files += [each for each in context.host.devices if each.path == AMD_DEVICE]
    closed = [each for each in files if not each.open]
    if not any(each.path.startswith(beginning) for each in files):
        yield from _no_files(context, beginning)
    elif closed:
        yield _closed(context, closed)
    else:
        names = ", ".join(each.path for each in files)
        yield Finding(OK, f"This user may open {names}.", names)


def visible(context: DoctorContext) -> Iterator[Finding]:
    """Warn of a variable that hides every GPU."""
    for name in VISIBLE.get(context.backend, ()):
        value = context.variables.get(name)
        if value is not None and value.strip() in HIDING:
            message = f"{name} is set to {value!r}, which hides every GPU from torch."
            yield Finding(WARNING, message, value, "unset", _unset(context, name))


def libraries(context: DoctorContext) -> Iterator[Finding]:
    """Warn of folders whose libraries would replace torch's own."""
    patterns = LIBRARIES.get(context.backend, ())
    folders = context.variables.get(LIBRARY_PATH, "").split(os.pathsep)
    for folder in filter(None, folders):
        found = [path.name for pattern in patterns for path in Path(folder).glob(pattern)]
        if found:
            message = (
                f"{LIBRARY_PATH} names {folder}, whose {min(found)} can take the place of "
                "the one that torch brings."
            )
            yield Finding(WARNING, message, folder, "unset", _unset(context, LIBRARY_PATH))


def wsl(context: DoctorContext) -> Iterator[Finding]:
    """Give hints for Linux inside Windows."""
    if not context.machine.wsl:
        return
    if re.match(r"/mnt/[a-z]/", f"{context.folder.as_posix()}/"):
        message = "The project lies on a disk of Windows, which Linux reads slowly; clone it to ~."
        yield Finding(WARNING, message, str(context.folder), "a folder under ~")
    if context.judged and not any(each.path == WSL_DEVICE for each in context.host.devices):
        message = f"Windows hands no GPU to this Linux ({WSL_DEVICE} is missing): update WSL."
        yield Finding(WARNING, message, "none", WSL_DEVICE, "wsl.exe --update")
    elif context.judged:
        message = "The GPU's driver is that of Windows; never install one for Linux in here."
        yield Finding(OK, message)


def _no_files(context: DoctorContext, beginning: str) -> Iterator[Finding]:
    machine = context.machine
    if machine.wsl or machine.jetson:
        return
    container = catalog.backend(context.backend)["container"]
    flags = " ".join(container["device_flags"])
    if context.host.in_container:
        message = f"This container has no {beginning}*: start it with {flags}."
    else:
        message = f"There is no {beginning}*, through which torch uses the GPU: reload its driver."
    yield Finding(ERROR, message, "none", f"{beginning}*")


def _closed(context: DoctorContext, closed: list[Device]) -> Finding:
    names = ", ".join(each.path for each in closed)
    groups = sorted({each.group for each in closed if each.group})
    if context.host.in_container or not groups:
        flags = " ".join(f"--group-add={group}" for group in groups)
        message = f"This user may not open {names}: start the container with {flags}."
        return Finding(ERROR, message, names)
    command = f"sudo usermod --append --groups {','.join(groups)} $USER"
    message = f"This user may not open {names}: join {' and '.join(groups)}, then log in again."
    return Finding(ERROR, message, names, remedy=command)


def _unset(context: DoctorContext, name: str) -> str:
    return f"set {name}=" if context.machine.system == "windows" else f"unset {name}"
