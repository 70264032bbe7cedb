# Owned by the template: every update rewrites this file. What is told before training starts.
"""What each process holds of a model, told before the first step."""

from __future__ import annotations

from torch import nn

from .. import speed

_STATES = 2  # AdamW's two moments, as large as the weights


def describe(model: nn.Module, strategy: str, processes: int) -> str:
    """Return in a sentence what weights, gradients and AdamW's moments take in each process."""
    whole = bytes_of(model)
    kept, most = whole * (2 + _STATES), 0
    if strategy == "fsdp":
        kept //= processes
        most = 2 * max((bytes_of(block) for block in speed.blocks(model)), default=whole)
    more = f", and up to {size_of(most)} for the block it computes" if most else ""
    return (
        f"{processes} processes, {strategy}: each has {size_of(kept)} of weights, gradients and "
        f"the optimizer's state{more}; activations come on top."
    )


def bytes_of(model: nn.Module) -> int:
    """Return what the weights take that are trained."""
    weights = (each for each in model.parameters() if each.requires_grad)
    return sum(each.numel() * each.element_size() for each in weights)


def size_of(count: int) -> str:
    """Return a size as people read it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"
