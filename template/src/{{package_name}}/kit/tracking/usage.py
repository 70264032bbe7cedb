# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""Measure what a run takes: the peak of memory and the samples per second."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SELF = Path("/proc/self")
_FORGET_PEAK = "5"  # of clear_refs, see proc(5)


@dataclass
class Usage:
    """What this process has taken since the run went on in it."""

    _samples: int = 0
    _seconds: float = 0.0
    _last: float = 0.0

    def start(self) -> None:
        """Count from now on; what is held already counts as well."""
        self._last = time.monotonic()
        with suppress(OSError):
            (_SELF / "clear_refs").write_text(_FORGET_PEAK)
        with suppress(AttributeError, RuntimeError):  # an older torch, or MPS, counts none
            if _has_accelerator():
                sys.modules["torch"].accelerator.reset_peak_memory_stats()

    def count(self, line: Mapping[str, Any]) -> None:
        """Count the `samples` of a step's line of metrics, and the time since the line before.

        Validation and checkpoints come before the line of an epoch, so their time is left out.
        """
        if line.get("kind") == "step" and "samples" in line:
            self._samples += int(line["samples"])
            self._seconds += time.monotonic() - self._last
        self.pause()

    def pause(self) -> None:
        """Leave out the time since the last line of metrics, such as that of a checkpoint."""
        self._last = time.monotonic()

    def facts(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return the peaks and the speed for `run.json`.

        Args:
            before: The facts of the run until now: it may have been trained in parts.
        """
        peaks = {"peak_memory_bytes": _host_peak(), "peak_accelerator_bytes": _accelerator_peak()}
        for name, value in peaks.items():
            known = [each for each in (value, before.get(name)) if each is not None]
            peaks[name] = max(known, default=None)
        speed = round(self._samples / self._seconds, 1) if self._samples and self._seconds else None
        return {**peaks, "samples_per_second": speed or before.get("samples_per_second")}


def _host_peak() -> int | None:
    """Return the most memory that this process had, in bytes; None on Windows."""
    try:
        lines = (_SELF / "status").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _accelerator_peak() -> int | None:
    """Return the most that tensors took on the accelerator, in bytes, where that is counted."""
    with suppress(AttributeError, RuntimeError):
        if _has_accelerator():
            return int(sys.modules["torch"].accelerator.max_memory_allocated()) or None
        if _has_started_jax():
            statistics = sys.modules["jax"].local_devices()[0].memory_stats() or {}
            return statistics.get("peak_bytes_in_use")
    return None


def _has_accelerator() -> bool:
    """Tell whether torch is loaded and computes on something else than the CPU."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.accelerator.is_available())


def _has_started_jax() -> bool:
    """Tell whether JAX computes here; asked for its devices, it would start, and take memory."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bridge is not None and bool(bridge.backends_are_initialized())
