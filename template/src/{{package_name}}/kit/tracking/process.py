# Owned by the template: every update rewrites this file. Facts of your own: `record.update(...)`.
"""The process that trains a run: whether it is there, how it hears of its end, what it takes."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from ..errors import Terminated

_PROC = Path("/proc")
_SELF = _PROC / "self"
_FORGET_PEAK = "5"  # of clear_refs, see proc(5)
_START_TIME = 22 - 4  # field 22 of /proc/PID/stat (see proc(5)), counted from the fourth
_GONE = ("Z", "X")  # its exit status is all that is left of it
_STILL_ACTIVE = 259


def process_facts() -> dict[str, Any]:
    """Return what tells this process from all others, on this and other machines."""
    return {
        "pid": os.getpid(),
        "started": _start_of(os.getpid()),
        "host": platform.node(),
        "boot": _boot(),
        "namespace": _namespace(),
    }


def is_alive(process: Mapping[str, Any] | None) -> bool | None:
    """Tell whether a process is still there; None if that cannot be known here.

    Args:
        process: What `process_facts` returned in it; runs of earlier releases have none.
    """
    if not process or process["host"] != platform.node():
        return None
    if process["boot"] != _boot():
        return False
    if process["namespace"] != _namespace():
        return None  # of another container on this machine
    pid = int(process["pid"])
    if process["started"] is not None:
        return bool(_start_of(pid) == process["started"])
    return _is_there(pid)


ONCE_SECONDS = 2.0
"""Signals that come this soon after one another are one request: job managers send it to each
process, and a parent hands on to its own what it heard."""


class Sigterm:
    """Lets SIGTERM and SIGUSR1 raise `Terminated`, as Ctrl-C raises KeyboardInterrupt.

    Where whoever trains asks after each step (`is_asked`), a signal is kept for that moment, in
    which a checkpoint can be written; a second one some seconds later ends at once.

    Only the main thread hears signals: in another one nothing changes.
    """

    def __init__(self) -> None:
        """Change nothing yet."""
        self._before: dict[int, Any] = {}
        self._owner = 0
        self._waits = False
        self._asked: type[KeyboardInterrupt] | None = None
        self._since = 0.0

    def start(self, *, with_interrupt: bool = False) -> None:
        """Begin to raise.

        Args:
            with_interrupt: Whether Ctrl-C waits for the end of a step too.
        """
        if threading.current_thread() is threading.main_thread():
            self._owner = os.getpid()
            names = ("SIGTERM", "SIGUSR1", *(("SIGINT",) if with_interrupt else ()))
            for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
                self._before[number] = signal.signal(number, self._end) or signal.SIG_DFL

    def is_asked(self) -> bool:
        """Tell whether a signal came; from now on the first one ends nothing by itself."""
        self._waits = True
        return self._asked is not None

    def is_asked_by(self, kind: type[KeyboardInterrupt]) -> bool:
        """Tell whether a signal came that stands for this."""
        return self._asked is kind

    def end(self) -> NoReturn:
        """Raise what the signal stands for."""
        raise self._asked or Terminated

    def ignore(self) -> None:
        """Let nothing interrupt what is written about the end."""
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def stop(self) -> None:
        """Leave the signals to whoever had them before."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}

    def _end(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._owner:
            signal.signal(number, signal.SIG_DFL)  # a worker that was forked: it has no record
            os.kill(os.getpid(), number)
            return
        now = time.monotonic()
        is_first = self._asked is None
        if is_first:
            self._asked = KeyboardInterrupt if number == signal.SIGINT else Terminated
            self._since = now
        if (is_first and not self._waits) or now - self._since >= ONCE_SECONDS:
            self.end()


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

    def wait(self, line: Mapping[str, Any]) -> None:
        """Count the time since then as well, if a step's line was waited for."""
        if line.get("kind") == "step" and "samples" in line:
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


def _start_of(pid: int) -> str | None:
    """Return when a process started, in ticks since the boot; None if it is gone or unknown."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in _GONE else fields[_START_TIME]


def _boot() -> str | None:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _namespace() -> str | None:
    """Return in which numbering of processes this one is; containers have their own."""
    try:
        return str((_SELF / "ns/pid").readlink())
    except OSError:
        return None


def _is_there(pid: int) -> bool:
    if sys.platform == "win32":  # where signal 0 is Ctrl-C
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        code = ctypes.c_ulong()
        known = kernel.GetExitCodeProcess(handle, ctypes.byref(code)) if handle else 0
        kernel.CloseHandle(handle)
        return bool(known) and code.value == _STILL_ACTIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


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
