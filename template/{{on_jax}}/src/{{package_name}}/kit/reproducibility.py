# Owned by the template: every update rewrites this file. Seed your own from config.seed.
"""Makes two runs with one seed bitwise equal, as far as the hardware allows.

On a CPU this holds for one version of the packages and one number of threads. JAX has no generator
of its own that would have to be seeded: what is random takes a key, which training makes from the
seed and the number of the step. For GPUs see JAX's documentation on XLA's flags.
"""

from __future__ import annotations

import os
import random
from typing import Any

import jax
import numpy as np

from . import devices
from .errors import ConfigError

_JAX = "jax"


def make_reproducible(seed: int, threads: int) -> None:
    """Seed Python and NumPy, and say how many threads XLA shall compute with.

    Args:
        seed: From 0 to 2**32 - 1, the range that NumPy takes.
        threads: CPU threads of XLA. It starts them when the process computes for the first time:
            later calls cannot change their number.
    """
    os.environ["NPROC"] = str(threads)  # what XLA reads instead of counting processors
    random.seed(seed)
    np.random.seed(seed)  # third-party code still draws from the global generator


def choose_device(name: str, setting: str = "training.device") -> jax.Device:
    """Return the device to train on.

    Args:
        name: As `devices.choose_device` takes it, or `cuda:1` for the second of its kind.
        setting: What says so, for messages.

    Raises:
        ConfigError: This machine, or this build of JAX, has no such device.
    """
    kind, _, number = name.partition(":")
    platforms = {own: _devices_of(own) for own in devices.known_devices(_JAX).values()}
    here = [own for own, found in platforms.items() if found]
    try:
        alike = platforms[devices.choose_device(_JAX, here, kind)]
    except ConfigError as error:
        raise ConfigError(f"{setting} is not available here: {error}") from error
    number = number or "0"
    if not number.isdecimal() or int(number) >= len(alike):
        raise ConfigError(f"{setting} is {name!r}, which is not available here: choose {kind}.")
    return alike[int(number)]


def _devices_of(platform: str) -> list[jax.Device]:
    try:
        return list(jax.devices(platform))
    except RuntimeError:  # this build of JAX, or this machine, has none
        return []


def random_states() -> dict[str, Any]:
    """Return the state of every global generator, ready for JSON."""
    algorithm, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    numpy_state = [algorithm, np.asarray(keys).tolist(), position, has_gauss, gauss]
    return {"python": random.getstate(), "numpy": numpy_state}


def restore_random_states(states: dict[str, Any]) -> None:
    """Set every global generator to a state from `random_states`."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    algorithm, keys, *rest = states["numpy"]
    np.random.set_state((algorithm, np.array(keys, dtype=np.uint32), *rest))
