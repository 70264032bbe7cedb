# Owned by the template: every update rewrites this file. What else to save: pass it in `parts`.
"""Checkpoints: everything that the next epoch depends on, written whole, loaded without code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ..answers import optional
from ..errors import RunError
from ..files import replacing
from ..reproducibility import random_states, restore_random_states

BEST_FILE = "best.pt"  # weights of the best epoch, beside CHECKPOINT_FILE of the last one
_SHARDS = "training.distributed.shards"
_LONG = ("python", "numpy")  # states of many numbers, which torch.save would write one by one


class Stateful(Protocol):
    """A model, an optimizer or a schedule."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state as tensors and plain values."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Take over a state."""


@dataclass(frozen=True)
class Progress:
    """How many epochs and optimizer steps are done."""

    epoch: int = 0
    step: int = 0


def save_checkpoint(
    path: Path, progress: Progress, parts: Mapping[str, Stateful], loader: torch.Generator
) -> None:
    """Write the state of the parts, of all random generators and of the loader's generator."""
    random = random_states()
    content = {
        "progress": {"epoch": progress.epoch, "step": progress.step},
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "random": {
            **random,
            **{name: json.dumps(random[name]) for name in _LONG},
            "loader": loader.get_state(),
        },
    }
    shards = optional(_SHARDS)
    if shards and shards.is_started():
        shards.save(path, content)
        return
    with replacing(path) as temporary:
        torch.save(content, temporary)


def restore_checkpoint(
    path: Path, parts: Mapping[str, Stateful], loader: torch.Generator
) -> Progress:
    """Put the parts and all random generators back to where the checkpoint was written.

    Raises:
        RunError: The checkpoint is missing, damaged or does not fit the code.
    """
    content = _load(path)
    _fill(path, content, parts)
    shards = optional(_SHARDS)
    random = shards.own_random(content) if shards else content["random"]
    texts = {name: random[name] for name in _LONG if isinstance(random[name], str)}
    restore_random_states({**random, **{name: json.loads(text) for name, text in texts.items()}})
    loader.set_state(random["loader"])
    if shards:
        shards.renew_random(content)
    return Progress(**content["progress"])


def load_weights(path: Path, model: torch.nn.Module) -> Progress:
    """Load the weights of a checkpoint into a model and touch nothing else.

    Raises:
        RunError: The checkpoint is missing, damaged or does not fit the model.
    """
    content = _load(path)
    _fill(path, content, {"model": model})
    return Progress(**content["progress"])


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RunError(f"{path} does not exist: the run finished no epoch, start a new one.")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # zip, pickle and I/O errors have no common base class
        raise RunError(f"{path} is damaged: start a new run.") from error
    return content


def _fill(path: Path, content: dict[str, Any], parts: Mapping[str, Stateful]) -> None:
    shards = optional(_SHARDS)
    if "shards" in content and not shards:
        raise RunError(f"{path} was written with fsdp: it needs the answer scale_out=[torchrun].")
    try:
        states = shards.fitted(path, content, parts) if shards else content["parts"]
        for name, part in parts.items():
            part.load_state_dict(states[name])
    except (KeyError, RuntimeError, ValueError) as error:
        raise RunError(
            f"{path} does not fit the code: check out the commit in the run's run.json."
        ) from error
