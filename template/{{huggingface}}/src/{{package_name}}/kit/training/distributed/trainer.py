# Owned by the template: every update rewrites this file. Which is taken: training.strategy.
"""What Transformers' Trainer is told where several processes train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ...errors import ConfigError
from . import count, facts, is_started, note, require_started, say
from .memory import describe

_BATCHES = ("per_device_train_batch_size", "per_device_eval_batch_size")


def shared_out(own: Mapping[str, Any], strategy: str) -> dict[str, Any]:
    """Return the project's arguments for one of several processes: its share of each batch.

    Args:
        own: What the project sets; with one process it stays so.
        strategy: `training.strategy`; `single` is ddp where there are several.

    Raises:
        ConfigError: The processes cannot share a batch, or the Trainer cannot shard on the device.
    """
    require_started()
    if not is_started():
        return dict(own)
    size = own[_BATCHES[0]]
    if size % count():
        raise ConfigError(
            f"training.batch_size is {size}, which {count()} processes cannot share: take a "
            f"multiple of {count()}."
        )
    shared = {**own, **{name: own[name] // count() for name in _BATCHES if name in own}}
    note("fsdp" if strategy == "fsdp" else "ddp")
    if strategy != "fsdp":
        return shared
    if own.get("use_cpu"):
        raise ConfigError(
            "training.strategy is fsdp, and Transformers' Trainer shards on accelerators alone: "
            "take ddp, or another training.device."
        )
    return {**shared, "fsdp": True, "fsdp_config": {"state_dict_type": "FULL_STATE_DICT"}}


def tell(model: nn.Module, batch_size: int) -> None:
    """Say what each process takes of a batch and holds of the model."""
    names = set(getattr(model, "_no_split_modules", None) or ())
    blocks = (each for each in model.modules() if type(each).__name__ in names)
    say(describe(model, blocks, str(facts()["strategy"]), count(), batch_size))
