# Owned by the template: every update rewrites this file. Your training step: train.py.
"""What one training step takes of memory, measured by the tensors that live meanwhile."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode, is_traceable_wrapper_subclass
from torch.utils._pytree import tree_leaves

from .plan import Model


class Peak(TorchDispatchMode):
    """Count the bytes of tensors that operators make, while they live.

    Attributes:
        bytes: The most that there were at once.
    """

    def __init__(self, known: Iterable[torch.Tensor] = ()) -> None:
        """Take the tensors that do not count, as they were there before."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0
        self._before = {_address(tensor) for tensor in known}
        self._made: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operator, and count what it made."""
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            # A tensor that stands for parts of it has no memory of its own.
            if not isinstance(each, torch.Tensor) or is_traceable_wrapper_subclass(each):
                continue
            if _address(each) not in self._before:
                self._made[_address(each)] = weakref.ref(each.untyped_storage())
        live = {at: storage for at, ref in self._made.items() if (storage := ref()) is not None}
        # Asked for each time: fsdp empties the memory of tensors that it keeps.
        self.bytes = max(self.bytes, sum(storage.nbytes() for storage in live.values()))
        self._made = {at: self._made[at] for at in live}
        return made


def measured(
    model: nn.Module,
    optimizer: Callable[[], torch.optim.Optimizer],
    step: Callable[[], object],
    blocks: Iterable[nn.Module],
) -> Model:
    """Take two steps and return what the second takes, when the optimizer has all its state.

    Args:
        model: Its gradients are freed afterwards.
        optimizer: Returns what changes the weights, after a step.
        step: Does an optimizer step, from the batch to the new weights.
        blocks: The parts of the model that fsdp gathers one at a time.
    """
    step()
    model.zero_grad()
    state = optimizer().state
    kept = [each for each in tree_leaves(dict(state)) if isinstance(each, torch.Tensor)]
    with Peak([*model.parameters(), *model.buffers(), *kept]) as peak:
        step()
    model.zero_grad()
    weights = _bytes(model.parameters())
    gradients = _bytes(each for each in model.parameters() if each.requires_grad)
    sizes = [_bytes(block.parameters()) for block in blocks]
    return Model(
        weights=weights,
        gradients=gradients,
        optimizer=_bytes(kept),
        copies=0,  # those of autocast are among the activations
        activations=max(0, peak.bytes - gradients),
        block=max(sizes, default=0),
        rest=weights - sum(sizes),
    )


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(each.numel() * each.element_size() for each in tensors)


def _address(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
