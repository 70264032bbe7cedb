# Owned by the template: every update rewrites this file. INFERENCE_DEVICE chooses another device.
"""Which device runs a model: one choice for all runtimes, by the names of the project's backends.

What the runtime calls its devices stands in the package's `devices.json`, which comes from the
template's catalog.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from .errors import ConfigError
from .files import read_json

AUTO = "auto"
CPU = "cpu"
VARIABLE = "INFERENCE_DEVICE"


@cache
def known_devices() -> Mapping[str, str]:
    """Returns what the runtime calls each device that it can run on."""
    found: dict[str, str] = read_json(Path(__file__).with_name("devices.json"))
    return found


def choose_device(available: Collection[str], wanted: str | None = None) -> str:
    """Returns the runtime's own name of the device that a model shall run on.

    Args:
        available: The runtime's names of the devices that it finds on this machine.
        wanted: `cpu`, `cuda`, `rocm`, `xpu`, `npu`, `mps`, or `auto` for the first of the
            accelerators that is there, else the CPU. By default what the environment variable
            INFERENCE_DEVICE says, and without it the CPU.

    Raises:
        ConfigError: The runtime does not know the device, or does not find it here.
    """
    known = known_devices()
    here = {device: own for device, own in known.items() if own in available}
    name = (wanted or os.environ.get(VARIABLE) or CPU).lower()
    if name == AUTO:
        return next((own for device, own in here.items() if device != CPU), known[CPU])
    if name not in known:
        choices = " or ".join([*known, AUTO])
        raise ConfigError(f"{name!r} is no device of the runtime: choose {choices}.")
    if name not in here:
        choices = " or ".join([*here, AUTO])
        raise ConfigError(f"The runtime finds no {name} on this machine: choose {choices}.")
    return here[name]
