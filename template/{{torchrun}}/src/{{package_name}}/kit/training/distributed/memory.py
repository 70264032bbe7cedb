# Owned by the template: every update rewrites this file. What is told before training starts.
"""What each process holds of a model, told before the first step."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

_MOMENTS = 2  # of AdamW, each as large as the weights


def describe(
    model: nn.Module, blocks: Iterable[nn.Module], strategy: str, processes: int, batch_size: int
) -> str:
    """Return in a sentence what each process takes of a batch and holds of the model.

    Args:
        model: Before it is spread.
        blocks: Its parts of which fsdp makes one at a time whole.
        strategy: ddp or fsdp.
        processes: How many train together.
        batch_size: The examples that all of them take at once.
    """
    weights, trained = _bytes_of(model)
    kept, block = weights + trained * (1 + _MOMENTS), ""
    if strategy == "fsdp":
        kept //= processes
        most = max((sum(_bytes_of(each)) for each in blocks), default=weights + trained)
        block = f", and up to {_readable(most)} for the block that it computes"
    return (
        f"{processes} processes, {strategy}: each takes {batch_size // processes} of a batch's "
        f"{batch_size} examples. It holds {_readable(kept)} of weights, gradients and AdamW's "
        f"moments{block}; activations come on top."
    )


def _bytes_of(model: nn.Module) -> tuple[int, int]:
    """Return what all weights take, and those that are trained."""
    sizes = [
        (each.numel() * each.element_size(), each.requires_grad) for each in model.parameters()
    ]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)


def _readable(count: int) -> str:
    """Return a size as people read it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"
