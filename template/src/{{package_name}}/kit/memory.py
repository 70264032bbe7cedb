# Owned by the template: every update rewrites this file. Call it from your own modules.
"""Whether a model fits into memory, asked before it is loaded, and what would fit in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from .errors import NotEnoughMemoryError

BITS: Mapping[str, int] = {"float32": 32, "bfloat16": 16, "float16": 16, "int8": 8, "int4": 4}
"""What one weight takes in each precision; the scales of groups of weights come on top."""

CPU = "the CPU"

# Linux counts a container's memory there (cgroup v2); psutil sees the whole machine.
_CONTAINER = Path("/sys/fs/cgroup")
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Need:
    """What a model takes, in bytes, at least.

    Attributes:
        weights: The weights as they are stored.
        precision: How they are stored, one of `BITS`; other names are allowed and tell nothing.
        item: What every item of a batch takes besides; 0 if that is not known.
        batch: Items at once.
    """

    weights: int
    precision: str = ""
    item: int = 0
    batch: int = 1

    @property
    def total(self) -> int:
        """Weights and batch together."""
        return self.weights + self.item * self.batch


def free_memory(container: Path = _CONTAINER) -> int:
    """Return the bytes that this process can still have: the machine's, or its container's."""
    free = psutil.virtual_memory().available
    try:
        limit = int((container / "memory.max").read_text(encoding="utf-8"))
        used = int((container / "memory.current").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no container, or one without a limit, which says "max"
        return free
    return min(free, max(0, limit - used))


def require_memory(
    name: str,
    need: Need,
    free: Mapping[str, int],
    *,
    place: str = CPU,
    precisions: Iterable[str] = (),
) -> None:
    """Stop before a model is loaded that does not fit.

    Args:
        name: The model, as messages call it.
        need: What it takes.
        free: Free bytes, by place; what is not known is left out.
        place: Where it shall be.
        precisions: In which precisions it can be had.

    Raises:
        NotEnoughMemoryError: It does not fit; the text says what would.
    """
    here = free.get(place)
    if here is None or need.total <= here:
        return
    fitting = " or ".join(_fitting(need, free, place, precisions))
    raise NotEnoughMemoryError(
        f"{name} needs at least {_size(need.total)}, and {place} has {_size(here)} free: "
        + (f"take {fitting}." if fitting else "end other programs, or take a smaller model.")
    )


def _fitting(
    need: Need, free: Mapping[str, int], place: str, precisions: Iterable[str]
) -> Iterator[str]:
    left = free[place] - need.weights
    if 0 < need.item <= left:
        yield f"a batch of {left // need.item}"
    stored = BITS.get(need.precision, 0)
    for each in precisions:
        weights = need.weights * BITS.get(each, 0) // max(stored, 1)
        is_lower = 0 < BITS.get(each, 0) < stored
        if is_lower and weights + need.item * need.batch <= free[place]:
            yield f"precision {each} ({_size(weights)})"
    for other, there in free.items():
        if other != place and need.total <= there:
            yield f"{other}, which has {_size(there)} free"


def _size(count: int) -> str:
    """Return a number of bytes as people read it, in powers of 1000."""
    power = min((len(str(count)) - 1) // 3, len(_UNITS) - 1)
    return f"{count / 1000**power:.{min(power, 1)}f} {_UNITS[power]}"
