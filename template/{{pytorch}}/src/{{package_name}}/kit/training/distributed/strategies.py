# Owned by the template: every update rewrites this file. Which is taken: training.strategy.
"""What `training.strategy` stands for where several processes train: ddp and fsdp.

Both take the same share of each batch and add up the same gradients. In each process ddp keeps all
of the model, fsdp a part of its weights, gradients and optimizer's state.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from ...errors import ConfigError
from ...reproducibility import choose_device
from .. import speed
from . import count, from_first, is_started, note, rank, require_started, say
from .memory import describe


def make_strategy(name: str) -> speed.Strategy:
    """Return how this process trains with the others; `single` is ddp where there are others."""
    require_started()
    if not is_started():
        return speed.Strategy()
    found = Sharded() if name == "fsdp" else Replicated()
    note(found.name)
    return found


class Replicated(speed.Strategy):
    """Each process has all of the model (DistributedDataParallel)."""

    name = "ddp"

    def __init__(self) -> None:
        """Take no model yet."""
        self._model: Any = nn.Module()
        self._trained: Any = None
        self._batch_size = 0

    def device(self, name: str) -> torch.device:
        """Return the device of this process: the CPU, or the accelerator with its local number."""
        device = choose_device(name)
        if device.type == "cpu":
            return device
        number = int(os.environ.get("LOCAL_RANK", "0"))
        if number >= torch.accelerator.device_count():
            raise ConfigError(
                f"Process {rank()} needs a device of its own, and there are "
                f"{torch.accelerator.device_count()}: start fewer processes on this machine."
            )
        torch.accelerator.set_device_index(number)
        return torch.device(device.type, number)

    def share(self, batch: Sequence[int]) -> list[int]:
        """Return this process's part; all parts have one size, for which some are filled up."""
        own = list(batch[rank() :: count()])
        return own if len(own) == -(-len(batch) // count()) else [*own, batch[0]]

    def require(self, batch_size: int, precision: str) -> None:
        """Refuse settings that cannot be shared out."""
        if batch_size % count():
            raise ConfigError(
                f"training.batch_size is {batch_size}, which {count()} processes cannot share: "
                f"take a multiple of {count()}."
            )
        self._batch_size = batch_size

    def spread(self, model: nn.Module) -> Callable[..., Any]:
        """Return the model as it is trained; random numbers are each process's own from here on."""
        self._model = model
        say(describe(model, speed.blocks(model), self.name, count(), self._batch_size))
        self._trained = self._spread(model)
        if rank():
            torch.manual_seed(torch.initial_seed() + rank())
        return self._trained  # type: ignore[no-any-return]

    def _spread(self, model: nn.Module) -> Any:
        return DistributedDataParallel(
            model, forward_sync_buffers=False, gradient_as_bucket_view=True
        )

    def before_batch(self, *, is_last: bool) -> None:
        """Share the buffers, and have gradients added up after the last batch of a step alone."""
        self.share_buffers()
        self._exchange_gradients(is_last)

    def _exchange_gradients(self, now: bool) -> None:
        self._trained.require_backward_grad_sync = now

    def share_buffers(self) -> None:
        """Take over the first process's buffers, such as a batch norm's means."""
        kinds: dict[torch.dtype, list[torch.Tensor]] = {}
        for buffer in self._model.buffers():
            kinds.setdefault(buffer.dtype, []).append(buffer)
        for buffers in kinds.values():
            flat = torch.cat([each.reshape(-1) for each in buffers])
            dist.broadcast(flat, 0)
            for each, value in zip(
                buffers, flat.split([each.numel() for each in buffers]), strict=True
            ):
                each.copy_(value.view_as(each))

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes."""
        dist.all_reduce(value)
        return value / count()

    def total(self, number: int) -> int:
        """Return the sum of a number that is the same in all processes."""
        return number * count()

    def of_first(self, metrics: dict[str, float]) -> dict[str, float]:
        """Return the first process's numbers: what is decided by them is decided alike."""
        found: dict[str, float] = from_first(metrics)
        return found


class Sharded(Replicated):
    """Each process has a part of every weight (FSDP2, `fully_shard`)."""

    name = "fsdp"

    def require(self, batch_size: int, precision: str) -> None:
        """Refuse settings that cannot be shared out, and fp16, whose scale would be each's own."""
        super().require(batch_size, precision)
        if precision == "fp16":
            raise ConfigError("training.precision fp16 does not go with fsdp: take bf16.")

    def _spread(self, model: nn.Module) -> Any:
        """Shard each block of the model, and what is left."""
        # Blocks such as nn.Flatten return views; training works unless the next one changes them.
        warnings.filterwarnings("ignore", "FSDP2-wrapped module", UserWarning)
        kind = next(model.parameters()).device.type
        mesh = init_device_mesh(kind, (count(),))
        for block in speed.blocks(model):
            if any(True for _ in block.parameters()):
                fully_shard(block, mesh=mesh)
        return fully_shard(model, mesh=mesh)

    def _exchange_gradients(self, now: bool) -> None:
        trained: FSDPModule = self._trained
        trained.set_requires_gradient_sync(now)
