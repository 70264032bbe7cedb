"""Checks of disk and memory."""

from __future__ import annotations

from collections.abc import Iterator

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding, NotKnownError
from envkeep.hardware import catalog

GB = 10**9
MEMORY_GB = 2  # torch, its libraries and a small model
GPU_MEMORY_GB = 1  # what torch and its libraries take on the device before any model


def disk(context: DoctorContext) -> Iterator[Finding]:
    """Tell whether the disk has room for another environment."""
    free = context.host.disk_free
    if free is None:
        raise NotKnownError
    needed = catalog.backend(context.backend)["disk_gb"] if context.torch else 1
    found, expected = f"{free / GB:.0f} GB free", f"{needed} GB"
    if free >= needed * GB:
        yield Finding(OK, f"{found}, room for an environment of {expected}.", found, expected)
        return
    development = context.development
    ready = development is not None and development.fits_locks
    message = f"Only {found}, and an environment takes up to {expected}: remove old ones in .venvs."
    yield Finding(WARNING if ready else ERROR, message, found, expected, "du -sh .venvs/*")


def memory(context: DoctorContext) -> Iterator[Finding]:
    """Tell whether there is enough memory to start torch."""
    host = context.host
    free = host.memory_free or host.memory
    if free is None:
        raise NotKnownError
    found, expected = f"{free / GB:.1f} GB", f"{MEMORY_GB} GB"
    if free >= MEMORY_GB * GB:
        yield Finding(OK, f"{found} of memory can be used.", found, expected)
    else:
        message = f"Only {found} of memory can be used; torch takes up to {expected} to start."
        yield Finding(WARNING, message, found, expected)


def gpu_memory(context: DoctorContext) -> Iterator[Finding]:
    """Warn of a graphics device whose memory other programs use."""
    for index, device in enumerate(context.gpus_of(context.backend)):
        if device.free is None:
            continue
        found, expected = f"{device.free / GB:.1f} GB", f"{GPU_MEMORY_GB} GB"
        if device.free < GPU_MEMORY_GB * GB:
            message = f"{device.name} (number {index}) has only {found} free: end what uses it."
            command = "nvidia-smi" if device.backend == "cuda" else None
            yield Finding(WARNING, message, found, expected, command)
        else:
            yield Finding(OK, f"{device.name} has {found} free.", found, expected)
