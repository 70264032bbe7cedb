# Owned by the template: every update rewrites this file. INFERENCE_DEVICE chooses another device.
"""Which device computes: one choice for all runtimes and for training, by the backends' names.

What each library calls its devices stands in the package's `devices.json`, which comes from the
template's catalog.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .files import read_json

AUTO = "auto"
CPU = "cpu"
VARIABLE = "INFERENCE_DEVICE"


@cache
def known_devices(library: str) -> Mapping[str, str]:
    """Return what a library calls each device that it can compute on.

    Args:
        library: A runtime as the answer `inference` names it, or `torch` or `jax`.
    """
    path = Path(__file__).parents[1] / "devices.json"
    found: dict[str, str] = read_json(path)[library]
    return found


def choose_device(
    library: str, available: Collection[str], wanted: str | None = None, *, default: str = CPU
) -> str:
    """Return a library's own name of the device that it shall compute on.

    Args:
        library: As `known_devices` takes it.
        available: The library's names of the devices that it finds on this machine.
        wanted: `cpu`, `cuda`, `rocm`, `xpu`, `npu`, `mps`, or `auto` for the first of the
            accelerators that is there, else the CPU. By default what the environment variable
            INFERENCE_DEVICE says.
        default: What is taken where neither says anything.

    Raises:
        ConfigError: The library does not know the device, or does not find it here.
    """
    known = known_devices(library)
    here = {device: own for device, own in known.items() if own in available}
    name = (wanted or os.environ.get(VARIABLE) or default).lower()
    if name == AUTO:
        return next((own for device, own in here.items() if device != CPU), known[CPU])
    if name not in known:
        choices = " or ".join([*known, AUTO])
        raise ConfigError(f"{name!r} is no device of the runtime: choose {choices}.")
    if name not in here:
        choices = " or ".join([*here, AUTO])
        raise ConfigError(f"The runtime finds no {name} on this machine: choose {choices}.")
    return here[name]


def torch_devices() -> list[str]:
    """Return torch's names of the devices that it finds on this machine."""
    torch: Any = importlib.import_module("torch")  # which not every project has
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return [CPU] if accelerator is None else [CPU, accelerator.type]
