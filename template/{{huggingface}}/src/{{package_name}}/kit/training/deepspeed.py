# Owned by the template: every update rewrites this file. Its settings: configs/deepspeed.json.
"""DeepSpeed in one process: its settings, and what it otherwise has from a launcher."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigError

# Port 0: the operating system chooses a free one.
_ALONE = {
    "RANK": "0",
    "LOCAL_RANK": "0",
    "WORLD_SIZE": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "0",
}


def read_settings(path: str) -> dict[str, Any] | None:
    """Read the file that `training.deepspeed` names, or nothing if it names none.

    Raises:
        ConfigError: The file cannot be read, or DeepSpeed cannot be used here.
    """
    if not path:
        return None
    check_usable()
    try:
        settings = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{path} must hold an object with DeepSpeed's settings.")
    return settings


def check_usable() -> None:
    """Check that DeepSpeed is installed and that this is the only process of the training.

    Raises:
        ConfigError: It is not.
    """
    if find_spec("deepspeed") is None:
        raise ConfigError(
            "training.deepspeed is set and DeepSpeed is not installed: add it by "
            "`make update ARGS=\"--data 'extras=[deepspeed]'\"`, or leave the setting empty."
        )
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise ConfigError(
            f"A launcher started {os.environ['WORLD_SIZE']} processes, and a run is trained by "
            "one: start `train` without it."
        )


def name_device(device: torch.device) -> None:
    """Tell DeepSpeed where to compute: the Trainer imports it, also to train without it.

    Left to itself it looks for an accelerator, and prints what it found.
    """
    os.environ.setdefault("DS_ACCELERATOR", device.type)


@contextmanager
def started(settings: Mapping[str, Any] | None, device: torch.device) -> Iterator[None]:
    """Make this process one that DeepSpeed can train in, until the training is over.

    Args:
        settings: What `read_settings` returned; without any nothing happens.
        device: Where the model is trained.

    Raises:
        ConfigError: DeepSpeed cannot be used here.
    """
    if settings is None:
        yield
        return
    check_usable()
    # Accelerate would otherwise choose a number of threads, which changes the sums.
    needed = {
        **_ALONE,
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    before = dict(os.environ)
    name_device(device)
    try:
        for name, value in needed.items():
            os.environ.setdefault(name, value)
        with warnings.catch_warnings():
            for category in (DeprecationWarning, FutureWarning):
                warnings.simplefilter("ignore", category)  # about what it calls itself
            if device.type == "cpu":
                _keep_from_compiling()
            yield
    finally:
        # A training without DeepSpeed in the same process would take the variables for its own.
        os.environ.clear()
        os.environ.update(before)


def _keep_from_compiling() -> None:
    """Leave out what several processes on one host exchange tensors with, built at the start."""
    with redirect_stdout(sys.stderr):  # it may print where `--json` prints the result
        operations: Any = import_module("deepspeed.ops")
    # Filled by trying a compiler on every operation, unless it is there already.
    operations.__compatible_ops__ = {"deepspeed_shm_comm": False}
