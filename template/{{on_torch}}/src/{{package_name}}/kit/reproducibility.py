# Owned by the template: every update rewrites this file. Seed your own from config.seed.
"""Makes two runs with one seed bitwise equal, as far as the hardware allows.

On a CPU this holds for one version of the packages and one number of threads. See PyTorch's note on
reproducibility for accelerators.
"""

from __future__ import annotations

import os
import random
import sys
from typing import Any

import numpy as np
import torch

from . import devices
from .errors import ConfigError


def make_reproducible(seed: int, threads: int) -> None:
    """Seed Python, NumPy and PyTorch, and allow deterministic algorithms only.

    Args:
        seed: From 0 to 2**32 - 1, the range that NumPy takes.
        threads: CPU threads of PyTorch; sums in another order give other bits.
    """
    # cuBLAS reads it when CUDA starts; NVIDIA's cuBLAS manual names this value as deterministic.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    random.seed(seed)
    np.random.seed(seed)  # third-party code still draws from the global generator
    torch.manual_seed(seed)
    _allow_deterministic_algorithms_only()
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.set_num_threads(threads)


def _allow_deterministic_algorithms_only() -> None:
    """Do what `torch.use_deterministic_algorithms` does, without importing PyTorch's compiler.

    That takes as long as PyTorch itself. A compiler that comes later reads the variable.
    """
    if "torch._inductor.config" in sys.modules:
        torch.use_deterministic_algorithms(True)
        return
    os.environ["TORCHINDUCTOR_DETERMINISTIC"] = "1"
    torch.set_deterministic_debug_mode("error")


def choose_device(name: str, setting: str = "training.device") -> torch.device:
    """Return the device to train on.

    Args:
        name: As `devices.choose_device` takes it, or `cuda:1` for the second of its kind.
        setting: What says so, for messages.

    Raises:
        ConfigError: This machine, or this build of PyTorch, has no such device.
    """
    kind, _, number = name.partition(":")
    try:
        own = devices.choose_device("torch", devices.torch_devices(), kind)
    except ConfigError as error:
        raise ConfigError(f"{setting} is not available here: {error}") from error
    if not number:
        return torch.device(own)
    count = 1 if own == devices.CPU else torch.accelerator.device_count()
    if not number.isdecimal() or int(number) >= count:
        raise ConfigError(f"{setting} is {name!r}, which is not available here: choose {kind}.")
    return torch.device(own, int(number))


def random_states() -> dict[str, Any]:
    """Return the state of every global generator as plain values and tensors."""
    algorithm, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": (algorithm, np.asarray(keys).tolist(), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "accelerator": _accelerator_state(),
    }


def restore_random_states(states: dict[str, Any]) -> None:
    """Set every global generator to a state from `random_states`."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))  # which JSON makes a list of
    algorithm, keys, *rest = states["numpy"]
    np.random.set_state((algorithm, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["accelerator"] is not None and torch.accelerator.is_available():
        _accelerator_module().set_rng_state(states["accelerator"])


def _accelerator_state() -> torch.Tensor | None:
    if not torch.accelerator.is_available():
        return None
    state: torch.Tensor = _accelerator_module().get_rng_state()
    return state


def _accelerator_module() -> Any:
    return torch.get_device_module(torch.accelerator.current_accelerator())
